/// One step of the schema, one transaction. Its text is never changed once it is released; a further step mends it.
package struct Migration: Sendable {
    package let version: Int
    package let name: String
    package let up: @Sendable (Transaction) throws -> Void

    package init(version: Int, name: String, up: @escaping @Sendable (Transaction) throws -> Void) {
        self.version = version
        self.name = name
        self.up = up
    }
}
