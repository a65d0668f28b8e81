package import GapuraFormats

/// Separation of duties and transfers: statements about everybody whom grants reach, all of them at once.
extension GrantQueries {
    // MARK: Exclusions

    package func exclusions() throws -> [Exclusion] {
        try tx.rows(
            """
            SELECT application_id, role, other_application_id, other_role, created_at, created_by FROM exclusions
            WHERE application_id < other_application_id OR (application_id = other_application_id AND role < other_role)
            ORDER BY application_id, role, other_application_id, other_role
            """
        ).map { row in
            Exclusion(
                first: QualifiedRole(try row.id(0), try row.text(1)),
                second: QualifiedRole(try row.id(2), try row.text(3)),
                createdAt: try row.time(4), createdBy: try row.text(5)
            )
        }
    }

    /// The roles that a role excludes.
    package func excluded(by role: QualifiedRole) throws -> [QualifiedRole] {
        try tx.rows(
            """
            SELECT other_application_id, other_role FROM exclusions WHERE application_id = \(role.applicationID) AND role = \(role.name)
            ORDER BY other_application_id, other_role
            """
        ).map { QualifiedRole(try $0.id(0), try $0.text(1)) }
    }

    package func insert(_ exclusion: Exclusion) throws {
        for (one, other) in [(exclusion.first, exclusion.second), (exclusion.second, exclusion.first)] {
            try tx.run(
                """
                INSERT INTO exclusions (application_id, role, other_application_id, other_role, created_at, created_by)
                VALUES (\(one.applicationID), \(one.name), \(other.applicationID), \(other.name), \(exclusion.createdAt),
                \(exclusion.createdBy))
                """
            )
        }
    }

    // MARK: Who meets whom

    /// People whom a grant reaches while a role that its own excludes reaches them too, now or later.
    package func conflicts(of grant: RoleGrant, from now: Timestamp, limit: Int) throws -> RoleConflicts {
        try conflicts(
            "grants.id = \(grant.id)",
            """
            (grants.application_id, grants.role) IN (SELECT other_application_id, other_role FROM exclusions
            WHERE exclusions.application_id = \(grant.applicationID) AND exclusions.role = \(grant.role))
            """,
            // One by one among the few whom this grant reaches, or all at once where they may be half of everybody.
            isNarrow: grant.subject.kind == .account || grant.subject.kind == .post, from: now, limit: limit)
    }

    /// People whom two roles reach at one time, now or later.
    package func conflicts(_ one: QualifiedRole, _ other: QualifiedRole, from now: Timestamp, limit: Int) throws
        -> RoleConflicts
    {
        try conflicts(
            "grants.application_id = \(one.applicationID) AND grants.role = \(one.name)",
            "grants.application_id = \(other.applicationID) AND grants.role = \(other.name)", isNarrow: false,
            from: now,
            limit: limit)
    }

    private func conflicts(
        _ mine: Statement, _ theirs: Statement, isNarrow: Bool, from now: Timestamp, limit: Int
    ) throws -> RoleConflicts {
        let among: Statement = isNarrow ? "AND accounts.id IN (SELECT account_id FROM mine)" : ""
        let meeting: Statement =
            """
            WITH RECURSIVE mine_units(grant_id, unit_id) AS (\(fragment: Self.units(of: mine, "mine_units", from: now))),
            mine AS MATERIALIZED (\(fragment: Self.reach(of: mine, "mine_units", among: "", from: now))),
            theirs_units(grant_id, unit_id) AS (\(fragment: Self.units(of: theirs, "theirs_units", from: now))),
            theirs AS MATERIALIZED (\(fragment: Self.reach(of: theirs, "theirs_units", among: among, from: now))),
            meeting AS MATERIALIZED (
                SELECT mine.account_id, mine.application_id, mine.role, mine.grant_id, theirs.application_id AS other_application_id,
                theirs.role AS other_role, theirs.grant_id AS other_grant_id
                FROM mine JOIN theirs ON theirs.account_id = mine.account_id
                WHERE mine.valid_from < theirs.ends_at AND theirs.valid_from < mine.ends_at
                AND mine.valid_from < mine.ends_at AND theirs.valid_from < theirs.ends_at
            )
            """
        let rows = try tx.rows(
            """
            \(fragment: meeting) SELECT account_id, application_id, role, grant_id, other_application_id, other_role, other_grant_id,
            (SELECT COUNT(DISTINCT account_id) FROM meeting) FROM meeting
            ORDER BY account_id, other_application_id, other_role LIMIT \(limit)
            """
        )
        return RoleConflicts(
            people: Int(try rows.first?.integer(7) ?? 0),
            first: try rows.map { row in
                RoleConflict(
                    accountID: try row.id(0), role: QualifiedRole(try row.id(1), try row.text(2)),
                    grantID: try row.id(3), otherRole: QualifiedRole(try row.id(4), try row.text(5)),
                    otherGrantID: try row.id(6)
                )
            }
        )
    }

    /// The units that grants to units cover, downwards by the index of parents.
    private static func units(of condition: Statement, _ name: StaticString, from now: Timestamp) -> Statement {
        """
        SELECT grants.id, grants.subject FROM grants WHERE grants.subject_kind = 'unit' AND \(fragment: open(now)) AND \(fragment: condition)
        UNION SELECT \(raw: name).grant_id, units.id FROM \(raw: name) JOIN units ON units.parent_id = \(raw: name).unit_id
        """
    }

    /// Every account that grants reach: one branch for each way, so that each is a join by equality. Whoever works
    /// somewhere is taken as today; an appointment to come is taken with its dates.
    private static func reach(
        of condition: Statement, _ units: StaticString, among: Statement, from now: Timestamp
    ) -> Statement {
        let open: Statement =
            "\(fragment: open(now)) AND \(fragment: inScope) AND \(fragment: condition) \(fragment: among)"
        return """
            SELECT \(fragment: reached) FROM grants JOIN accounts ON accounts.id = grants.subject
            LEFT JOIN people ON people.id = accounts.person_id \(fragment: places)
            WHERE grants.subject_kind = 'account' AND \(fragment: open)
            UNION ALL
            SELECT \(fragment: reached) FROM grants JOIN people ON people.post_id = grants.subject
            JOIN accounts ON accounts.person_id = people.id \(fragment: places)
            WHERE grants.subject_kind = 'post' AND \(fragment: open)
            UNION ALL
            SELECT accounts.id, grants.application_id, grants.role, grants.id,
            CASE WHEN appointments.valid_from > grants.valid_from THEN appointments.valid_from ELSE grants.valid_from END,
            CASE WHEN appointments.valid_to < \(fragment: ends) THEN appointments.valid_to ELSE \(fragment: ends) END
            FROM grants JOIN appointments ON appointments.post_key = grants.post_key AND appointments.unit_id = grants.post_unit_id
            JOIN accounts ON accounts.person_id = appointments.person_id
            LEFT JOIN units place ON place.id = appointments.unit_id LEFT JOIN units scope ON scope.id = grants.unit_id
            WHERE (appointments.valid_to IS NULL OR appointments.valid_to > \(now)) AND \(fragment: open)
            UNION ALL
            SELECT \(fragment: reached) FROM \(raw: units) JOIN grants ON grants.id = \(raw: units).grant_id
            JOIN people ON people.unit_id = \(raw: units).unit_id JOIN accounts ON accounts.person_id = people.id
            WHERE 1 = 1 \(fragment: among)
            UNION ALL
            SELECT \(fragment: reached) FROM grants JOIN accounts ON 1 = 1
            LEFT JOIN people ON people.id = accounts.person_id \(fragment: places)
            WHERE grants.subject_kind = 'kind' AND COALESCE(people.employee_kind, 'NON_ASN') = grants.subject AND \(fragment: open)
            """
    }

    /// Counts now or later.
    private static func open(_ now: Timestamp) -> Statement {
        "\(fragment: ends) > \(now) AND \(fragment: ends) > grants.valid_from"
    }

    private static let reached: Statement =
        """
        accounts.id AS account_id, grants.application_id AS application_id, grants.role AS role, grants.id AS grant_id,
        grants.valid_from AS valid_from, \(fragment: ends) AS ends_at
        """

    private static let places: Statement =
        "LEFT JOIN units place ON place.id = people.unit_id LEFT JOIN units scope ON scope.id = grants.unit_id"

    private static let inScope: Statement = "(grants.unit_id IS NULL OR \(fragment: isBelow("scope")))"

    /// Paths are compared by their beginnings and not as a range: how a PostgreSQL sorts `/` is its locale's business.
    private static func isBelow(_ unit: StaticString) -> Statement {
        "substr(place.path, 1, length(\(raw: unit).path)) = \(raw: unit).path"
    }

    /// The end of the year 9999 stands for none.
    private static let ends: Statement =
        """
        CASE WHEN grants.ended_at IS NOT NULL AND (grants.valid_to IS NULL OR grants.ended_at < grants.valid_to) THEN grants.ended_at
        ELSE COALESCE(grants.valid_to, 253402300799999) END
        """

    // MARK: Transfers

    /// Grants to an account in a unit that count now or later, with the person and where they work today.
    package func listBoundToUnits(from now: Timestamp) throws -> [BoundGrant] {
        try tx.rows(
            """
            SELECT grants.id, grants.role, applications.slug, grants.subject, people.id, grants.unit_id, people.unit_id, place.path
            FROM grants JOIN applications ON applications.id = grants.application_id JOIN accounts ON accounts.id = grants.subject
            JOIN people ON people.id = accounts.person_id LEFT JOIN units place ON place.id = people.unit_id
            WHERE grants.subject_kind = 'account' AND grants.unit_id IS NOT NULL AND \(fragment: Self.ends) > \(now)
            ORDER BY grants.id
            """
        ).map { row in
            BoundGrant(
                id: try row.id(0), role: try row.text(1), applicationSlug: try row.text(2), accountID: try row.id(3),
                personID: try row.id(4), unitID: try row.id(5), workUnitID: try row.optionalID(6),
                workPath: try row.optionalText(7)
            )
        }
    }

    /// Ends every grant to an account in a unit where its holder no longer works: one statement.
    ///
    /// An end that was planned becomes `valid_to`, so that nothing is lost where the load is undone.
    package func endWhereLeft(at now: Timestamp, by actor: String, load: LoadID?) throws -> [RoleGrant] {
        try tx.rows(
            """
            UPDATE grants SET valid_to = COALESCE(ended_at, valid_to), ended_at = \(now), ended_by = \(actor),
            end_reason = \(RoleGrant.EndReason.transfer.rawValue), end_load_id = \(load)
            WHERE subject_kind = 'account' AND unit_id IS NOT NULL AND \(fragment: Self.ends) > \(now)
            AND NOT EXISTS (\(fragment: Self.worksInScope))
            RETURNING \(fragment: Self.returned)
            """
        ).map { try Self.grant($0) }
    }

    /// Gives back what a load ended, to those who work in the unit again.
    package func restore(endedBy load: LoadID) throws -> [RoleGrant] {
        try tx.rows(
            """
            UPDATE grants SET ended_at = NULL, ended_by = NULL, end_reason = NULL, end_load_id = NULL
            WHERE end_load_id = \(load) AND EXISTS (\(fragment: Self.worksInScope)) RETURNING \(fragment: Self.returned)
            """
        ).map { try Self.grant($0) }
    }

    /// How many grants a load ended that were not given back.
    package func count(endedBy load: LoadID) throws -> Int64 {
        try tx.first("SELECT COUNT(*) FROM grants WHERE end_load_id = \(load)")?.integer(0) ?? 0
    }

    private static let worksInScope: Statement =
        """
        SELECT 1 FROM accounts JOIN people ON people.id = accounts.person_id JOIN units place ON place.id = people.unit_id
        JOIN units scope ON scope.id = grants.unit_id WHERE accounts.id = grants.subject AND \(fragment: isBelow("scope"))
        """

    /// The columns of `columns`, bare: `RETURNING` knows one table.
    private static let returned: Statement =
        """
        id, application_id, role, subject_kind, subject, unit_id, valid_from, valid_to, letter_number, given_by, given_at, ended_at,
        ended_by, end_reason, post_key, post_unit_id
        """
}

/// How many people two roles reach that exclude each other, and the first of them.
package struct RoleConflicts: Sendable, Equatable {
    package var people: Int
    package var first: [RoleConflict]
}

/// A grant to an account that holds only in a unit, and where that person works.
package struct BoundGrant: Sendable, Equatable {
    package var id: GrantID
    package var role: String
    package var applicationSlug: String
    package var accountID: AccountID
    package var personID: PersonID
    /// Where it was given.
    package var unitID: UnitID
    package var workUnitID: UnitID?
    package var workPath: String?
}
