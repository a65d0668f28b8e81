@testable import GapuraStore

/// Rows as the first schema took them: the queries of today know columns that it did not have.
enum FirstSchema {
    static func insert(_ person: Person, _ tx: Transaction) throws {
        try tx.run(
            """
            INSERT INTO people (id, pns_id, name, employee_kind, works_here, needs_review, created_at, updated_at)
            VALUES (\(person.id), \(person.pnsID), \(person.name), \(person.employeeKind.rawValue), \(person.worksHere),
            \(person.needsReview), \(person.createdAt), \(person.updatedAt))
            """)
    }

    static func insert(_ account: Account, _ tx: Transaction) throws {
        try tx.run(
            """
            INSERT INTO accounts (id, person_id, sub, user_name, user_name_key, display_name, email_verified, state, state_by, role,
            sponsor_id, ends_at, password_hash, created_at, updated_at)
            VALUES (\(account.id), \(account.personID), \(account.sub), \(account.userName), \(account.userName.map(nameKey)),
            \(account.displayName), \(account.emailVerified), \(account.state.rawValue), \(account.stateBy.rawValue),
            \(account.role.rawValue), \(account.sponsorID), \(account.endsAt), \(account.passwordHash), \(account.createdAt),
            \(account.updatedAt))
            """)
    }
}
