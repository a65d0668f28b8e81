package import GapuraFormats
internal import GapuraTabular

/// What SIASN's `pns/data-utama` says about one number.
///
/// Its envelope is read leniently, because that is how it is written: `code` is a number or a text, `data` an object, a
/// list with one, or a text. What means nothing certain is a fault, and a fault changes nobody.
package enum SIASNAnswer: Sendable, Equatable {
    case person(SIASNPerson)
    /// SIASN knows nobody by this number.
    case unknown

    private static let maximumBytes = 1 << 20

    /// - Parameter withNIK: for whoever seals it; it is kept nowhere else.
    package init(status: Int, body: [UInt8], withNIK: Bool = false) throws(SIASNFault) {
        let json = try? StrictJSON.parse(body, maximumBytes: Self.maximumBytes)
        switch status {
        case 200: break
        case 401: throw .unauthorised
        case 404 where Self.saysUnknown(json, body): self = .unknown; return
        default: throw .status(status, code: Self.gatewayCode(json, body))
        }
        guard let object = json?.object else { throw .unreadable }
        switch (Self.code(object["code"]), object["data"]) {
        case (1, .object(let data)?): self = .person(SIASNPerson(data, withNIK: withNIK))
        case (1, .array(let list)?) where list.isEmpty: self = .unknown
        case (1, .array(let list)?):
            guard list.count == 1, let data = list.first?.object else { throw .meaningless }
            self = .person(SIASNPerson(data, withNIK: withNIK))
        case (0, _) where Self.saysUnknown(json, body): self = .unknown
        default:
            if let code = Self.gatewayCode(json, body) { throw .status(status, code: code) }
            throw .meaningless
        }
    }

    private static func code(_ value: JSONValue?) -> Int64? {
        value?.integer ?? value?.string.flatMap { Int64($0) }
    }

    /// The words of the documented answer. A wrong path of the API is a 404 too and says something else.
    private static func saysUnknown(_ json: JSONValue?, _ body: [UInt8]) -> Bool {
        guard let json else {
            return body.count <= 1024 && contains(String(decoding: body, as: UTF8.self), "tidak ditemukan")
        }
        guard code(json["code"]) ?? 0 == 0 else { return false }
        return [json["data"], json["message"]].contains { value in
            value?.string.map { contains($0, "tidak ditemukan") } ?? false
        }
    }

    private static func contains(_ text: String, _ words: String) -> Bool {
        text.lowercased().contains(words)
    }

    /// The number that the API manager (WSO2) gives its faults, `900902`: in `fault.code`, in `code`, or in XML. Six
    /// digits and nothing else, so that it can be told to people.
    private static func gatewayCode(_ json: JSONValue?, _ body: [UInt8]) -> String? {
        var code = Self.code(json?["fault"]?["code"]) ?? Self.code(json?["code"])
        if json == nil {
            let text = String(decoding: body.prefix(4096), as: UTF8.self)
            let digits = text.split(separator: "code>").dropFirst().first.map {
                $0.prefix { $0.isASCII && $0.isNumber }
            }
            code = digits.flatMap { Int64($0) }
        }
        return code.flatMap { (100_000...999_999).contains($0) ? String($0) : nil }
    }
}

/// Why what SIASN answered cannot be used. It holds nothing of the answer but numbers.
package enum SIASNFault: Error, Sendable, Equatable {
    /// 401: one of the two tokens is not good, or not any more.
    case unauthorised
    /// Another status than the documented ones; with the number of the API manager's fault, where it has one.
    case status(Int, code: String?)
    /// Not JSON: a page for people, half an answer.
    case unreadable
    /// JSON, and not what `data-utama` answers.
    case meaningless
    /// Somebody else's data than was asked for.
    case anotherPerson
}

/// One person as `data-utama` has them: the members that somebody needs, under SIASN's names, and no others. Religion,
/// marriage, address and NPWP are dropped here and never kept.
package struct SIASNPerson: Sendable, Equatable {
    package private(set) var members: JSONObject

    init(_ data: JSONObject, withNIK: Bool) {
        var members = JSONObject()
        for (key, value) in data.members where (withNIK ? Self.keysWithNIK : Self.keys).contains(Self.key(key)) {
            switch value {
            case .array, .object: continue
            default: members[key] = value
            }
        }
        self.members = members
        // In the export these are columns; here they hide in others.
        if value(.postID) == nil, let id = Self.postID(data) { add(.postID, "jabatanId", id) }
        if value(.cpnsOrPNS) == nil {
            if Self.text(data["tmtPns"]) != nil {
                add(.cpnsOrPNS, "statusCpnsPns", "P")
            } else if Self.text(data["tmtCpns"]) != nil {
                add(.cpnsOrPNS, "statusCpnsPns", "C")
            }
        }
    }

    /// As it was kept, without a NIK.
    package init(kept members: JSONObject) {
        self.init(members, withNIK: false)
    }

    /// The digits of the NIP or NI PPPK, if it has any.
    package var number: String? {
        value(.nip).map { String(decoding: $0.utf8.filter { (0x30...0x39).contains($0) }, as: UTF8.self) }
    }

    package var pnsID: String? { value(.pnsID) }

    // MARK: Members by what they mean

    private func value(_ column: PersonnelColumn) -> String? {
        let names = Self.names(column)
        return members.members.lazy.filter { names.contains(Self.key($0.key)) }.compactMap { Self.text($0.value) }.first
    }

    /// In the place of what is there under another spelling and says nothing: two would contradict each other.
    private mutating func add(_ column: PersonnelColumn, _ name: String, _ text: String) {
        let names = Self.names(column)
        var members = JSONObject(
            members.members.filter { !names.contains(Self.key($0.key)) }.map { ($0.key, $0.value) })
        members[name] = .string(text)
        self.members = members
    }

    /// The id of the post is in a member of its kind: 1 structural, 2 functional, 4 `pelaksana`.
    private static func postID(_ data: JSONObject) -> String? {
        let members = [
            "1": "jabatanStrukturalId", "2": "jabatanFungsionalId", "4": "jabatanFungsionalUmumId",
        ]
        if let member = text(data["jenisJabatanId"]).flatMap({ members[$0] }) { return text(data[member]) }
        return members.values.sorted().lazy.compactMap { text(data[$0]) }.first
    }

    /// Nil for what says nothing.
    private static func text(_ value: JSONValue?) -> String? {
        switch value {
        case .string(let text)?: CellText.identifier(.text(text))
        case .integer(let number)?: String(number)
        default: nil
        }
    }

    /// As a header is compared.
    private static func key(_ name: String) -> String { TableHeader<PersonnelColumn>.key(name) }

    private static func names(_ column: PersonnelColumn) -> [String] {
        (PersonnelProfile.siasnService.people.spellings[column] ?? [column.rawValue]).map(key)
    }

    private static let keys = Set(PersonnelColumn.wanted(withNIK: false).flatMap(names))
    private static let keysWithNIK = Set(PersonnelColumn.wanted(withNIK: true).flatMap(names))
}
