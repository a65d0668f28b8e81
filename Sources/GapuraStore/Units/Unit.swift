package import GapuraFormats

package typealias UnitID = ID<Unit>

/// A node of the organisation tree, as SIASN's `ref-unor` knows it. The agency (OPD) is the top unit under the
/// government.
package struct Unit: Sendable, Equatable {
    package var id: UnitID
    /// The id in the personnel agency's data.
    package var sourceID: String
    package var parentID: UnitID?
    /// The agency this unit belongs to; itself for an agency, nothing for the government at the root.
    package var agencyID: UnitID?
    package var name: String
    /// What its head is called: "Kepala Bagian Hukum".
    package var postName: String?
    /// `OPD`, `KECAMATAN`, `BAGIAN` …, as the source spells it.
    package var kind: String?
    package var echelon: String?
    /// Ids from the root to this unit, each followed by `/`: a subtree is a prefix.
    package var path: String
    /// SIASN id of the head of the unit, empty for a vacant post.
    package var headPNSID: String?
    package var validFrom: Timestamp
    package var validTo: Timestamp?

    package init(
        id: UnitID, sourceID: String, parentID: UnitID?, agencyID: UnitID?, name: String, postName: String?,
        kind: String?,
        echelon: String?, path: String, headPNSID: String?, validFrom: Timestamp, validTo: Timestamp? = nil
    ) {
        self.id = id
        self.sourceID = sourceID
        self.parentID = parentID
        self.agencyID = agencyID
        self.name = name
        self.postName = postName
        self.kind = kind
        self.echelon = echelon
        self.path = path
        self.headPNSID = headPNSID
        self.validFrom = validFrom
        self.validTo = validTo
    }
}
