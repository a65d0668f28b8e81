/// Where a load comes from: a file, a database. It is opened each time it is read, on the thread of whoever reads.
package protocol PersonnelOrigin: Sendable {
    /// For people to recognise; stands in the record of the load.
    var name: String { get }

    /// Hands out the people, which `body` reads to their end.
    ///
    /// - Parameters:
    ///   - withNIK: whether the columns of the NIK are wanted; else they must not even be asked for.
    ///   - stop: whether whoever waits has gone.
    /// - Returns: the SHA-256 of what was read, base64url.
    func readPeople(
        withNIK: Bool, _ stop: any PersonnelStop, _ body: (any PersonnelSource) throws -> Void
    ) throws -> String

    /// Reads a list of units.
    func readUnits(_ stop: any PersonnelStop) throws -> (rows: [UnitRow], digest: String)

    /// Whether it still is what a plan was made of, where that can be asked.
    /// - Throws: `PersonnelSourceError.changed`
    func check(_ digest: String) throws
}

/// Whether whoever waits for a reading has gone.
package protocol PersonnelStop: Sendable {
    /// - Throws: `CancellationError`
    func check() throws

    /// Calls `body` when that happens, from another thread, or at once if it has. Only the last one given counts.
    func onStop(_ body: @escaping @Sendable () -> Void)
}
