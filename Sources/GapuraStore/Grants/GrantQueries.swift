package import GapuraFormats

extension Transaction {
    package var grants: GrantQueries { GrantQueries(tx: self) }
}

/// All SQL about `application_roles`, `grants` and `exclusions`; who meets whom stands in `GrantQueries+Conflicts`.
package struct GrantQueries {
    let tx: Transaction

    // MARK: Roles

    package func findRole(_ role: QualifiedRole) throws -> ApplicationRole? {
        try tx.first(
            """
            SELECT application_id, name, description, created_at FROM application_roles
            WHERE application_id = \(role.applicationID) AND name = \(role.name)
            """
        ).map(Self.role)
    }

    package func roles(of id: ApplicationID) throws -> [ApplicationRole] {
        try tx.rows(
            """
            SELECT application_id, name, description, created_at FROM application_roles WHERE application_id = \(id) ORDER BY name
            """
        ).map(Self.role)
    }

    package func insert(_ role: ApplicationRole) throws {
        try tx.run(
            """
            INSERT INTO application_roles (application_id, name, description, created_at)
            VALUES (\(role.applicationID), \(role.name), \(role.description), \(role.createdAt))
            """
        )
    }

    // MARK: Grants

    static let columns: Statement =
        """
        grants.id, grants.application_id, grants.role, grants.subject_kind, grants.subject, grants.unit_id, grants.valid_from,
        grants.valid_to, grants.letter_number, grants.given_by, grants.given_at, grants.ended_at, grants.ended_by, grants.end_reason,
        grants.post_key, grants.post_unit_id
        """

    /// A grant with names, from one statement however many there are.
    private static let named: Statement =
        """
        SELECT \(fragment: columns), applications.slug, applications.name,
        CASE grants.subject_kind WHEN 'account' THEN COALESCE(holders.name, owners.display_name, owners.user_name)
        WHEN 'post' THEN grants.post_key WHEN 'unit' THEN wholes.name END, scopes.name
        FROM grants JOIN applications ON applications.id = grants.application_id
        LEFT JOIN accounts owners ON grants.subject_kind = 'account' AND owners.id = grants.subject
        LEFT JOIN people holders ON holders.id = owners.person_id
        LEFT JOIN units wholes ON grants.subject_kind = 'unit' AND wholes.id = grants.subject
        LEFT JOIN units scopes ON scopes.id = grants.unit_id
        """

    package func find(_ id: GrantID) throws -> RoleGrant? {
        try tx.first("SELECT \(fragment: Self.columns) FROM grants WHERE id = \(id)").map { try Self.grant($0) }
    }

    package func findNamed(_ id: GrantID) throws -> NamedGrant? {
        try tx.first("\(fragment: Self.named) WHERE grants.id = \(id)").map(Self.namedGrant)
    }

    /// The grants of one role to one subject that were not ended, oldest first.
    package func list(of role: QualifiedRole, to subject: GrantSubject) throws -> [RoleGrant] {
        try tx.rows(
            """
            SELECT \(fragment: Self.columns) FROM grants WHERE subject_kind = \(subject.kind.rawValue) AND subject = \(subject.value)
            AND application_id = \(role.applicationID) AND role = \(role.name) AND ended_at IS NULL ORDER BY id
            """
        ).map { try Self.grant($0) }
    }

    /// Grants of an application, of an account itself, and of those whose dates hold a moment; whatever is nil does not
    /// narrow.
    /// - Parameters:
    ///   - path: of a unit: only what reaches accounts of its subtree by name, its units, or posts within them.
    ///   - after: goes on behind this one.
    package func list(
        application: ApplicationID?, account: AccountID?, at moment: Timestamp?, under path: String? = nil,
        after: GrantID? = nil, limit: Int64
    ) throws -> [NamedGrant] {
        let (applicationID, accountID) = (application?.text ?? "", account?.text ?? "")
        return try tx.rows(
            """
            \(fragment: Self.named) WHERE (\(applicationID) = '' OR grants.application_id = \(applicationID))
            AND (\(accountID) = '' OR (grants.subject_kind = 'account' AND grants.subject = \(accountID)))
            AND (\(moment) IS NULL OR (\(fragment: Self.counts(at: moment ?? Timestamp(milliseconds: 0)))))
            AND \(fragment: path.map(Self.isUnder) ?? "1 = 1") AND \(fragment: after.map(Self.isBehind) ?? "1 = 1")
            ORDER BY applications.slug, grants.role, grants.id LIMIT \(limit)
            """
        ).map(Self.namedGrant)
    }

    private static func isBehind(_ id: GrantID) -> Statement {
        """
        (applications.slug, grants.role, grants.id) > (SELECT those.slug, that.role, that.id FROM grants that
        JOIN applications those ON those.id = that.application_id WHERE that.id = \(id))
        """
    }

    private static func isUnder(_ path: String) -> Statement {
        """
        ((grants.subject_kind = 'unit' AND \(fragment: UnitQueries.isUnder(path, "wholes")))
        OR (grants.subject_kind = 'post' AND \(fragment: UnitQueries.isUnder(path, "scopes")))
        OR (grants.subject_kind = 'account' AND EXISTS (SELECT 1 FROM accounts held LEFT JOIN accounts guardians ON guardians.id = held.sponsor_id
        JOIN people there ON there.id = COALESCE(held.person_id, guardians.person_id) JOIN units homes ON homes.id = there.unit_id
        WHERE held.id = grants.subject AND \(fragment: UnitQueries.isUnder(path, "homes")))))
        """
    }

    package func insert(_ grant: RoleGrant) throws {
        try tx.run(
            """
            INSERT INTO grants (id, application_id, role, subject_kind, subject, unit_id, valid_from, valid_to, letter_number,
            given_by, given_at, ended_at, ended_by, end_reason, post_key, post_unit_id) VALUES (\(grant.id), \(grant.applicationID), \(grant.role),
            \(grant.subject.kind.rawValue), \(grant.subject.value), \(grant.unitID), \(grant.validFrom), \(grant.validTo),
            \(grant.letterNumber), \(grant.givenBy), \(grant.givenAt), \(grant.endedAt), \(grant.endedBy),
            \(grant.endReason?.rawValue), \(grant.postKey), \(grant.postUnitID))
            """
        )
    }

    package func end(_ id: GrantID, at moment: Timestamp, by actor: String, _ reason: RoleGrant.EndReason) throws {
        try tx.run(
            """
            UPDATE grants SET ended_at = \(moment), ended_by = \(actor), end_reason = \(reason.rawValue), end_load_id = NULL
            WHERE id = \(id)
            """
        )
    }

    // MARK: What one person holds

    /// The facts about an account that grants look at, as they are at a moment: one statement.
    package func holder(_ account: Account, at now: Timestamp) throws -> GrantHolder {
        var holder = GrantHolder(
            accountID: account.id, postID: nil, unitIDs: [], employeeKind: .nonASN, appointed: [])
        guard let personID = account.personID else { return holder }
        // A row for each appointment of today, and one for somebody without any.
        let rows = try tx.rows(
            """
            SELECT people.employee_kind, people.post_id, places.path, appointments.post_key, others.path FROM people
            LEFT JOIN units places ON places.id = people.unit_id
            LEFT JOIN appointments ON appointments.person_id = people.id AND appointments.valid_from <= \(now)
            AND (appointments.valid_to IS NULL OR appointments.valid_to > \(now))
            LEFT JOIN units others ON others.id = appointments.unit_id WHERE people.id = \(personID)
            """
        )
        for row in rows {
            holder.employeeKind = try row.value(0)
            holder.postID = try row.optionalText(1)
            holder.unitIDs = try row.optionalText(2).map(Self.steps) ?? []
            guard let key = try row.optionalText(3) else { continue }
            holder.appointed.append(.init(postKey: key, unitIDs: try row.optionalText(4).map(Self.steps) ?? []))
        }
        return holder
    }

    /// What a post is called that somebody has or had, and the unit it is in, by its id in personnel data.
    package func post(_ id: String) throws -> (name: String, unitID: UnitID?)? {
        try tx.first(
            "SELECT post_name, unit_id FROM people WHERE post_id = \(id) AND post_name IS NOT NULL ORDER BY updated_at DESC LIMIT 1"
        ).map { (try $0.text(0), try $0.optionalID(1)) }
    }

    /// The units of a path, from the root down.
    package static func steps(_ path: String) -> [String] {
        path.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The names of the roles that somebody holds in the application of a client: one statement, by the index of
    /// subjects. A role that meets one which excludes it is left out, in whatever application that one is.
    package func roleNames(of holder: GrantHolder, in client: ClientID, at now: Timestamp) throws -> [String] {
        try tx.rows(
            """
            WITH held AS (\(fragment: Self.held(by: holder, at: now)))
            SELECT DISTINCT held.role FROM held JOIN clients ON clients.application_id = held.application_id
            WHERE clients.id = \(client) AND NOT \(fragment: Self.meetsExcluded)
            """
        ).map { try $0.text(0) }
    }

    /// Every role somebody holds, in every application, with the grant it comes from.
    package func roles(of holder: GrantHolder, at now: Timestamp) throws -> [HeldRole] {
        let withheld = try tx.rows(
            """
            WITH held AS (\(fragment: Self.held(by: holder, at: now)))
            SELECT held.id, CASE WHEN \(fragment: Self.meetsExcluded) THEN 1 ELSE 0 END FROM held
            """
        ).map { (id: try $0.text(0), isWithheld: try $0.bool(1)) }
        let isWithheld = Dictionary(withheld.map { ($0.id, $0.isWithheld) }) { first, _ in first }
        return try tx.rows(
            """
            \(fragment: Self.named) WHERE grants.id IN \(list: withheld.map(\.id))
            ORDER BY applications.slug, grants.role, grants.id
            """
        ).map(Self.namedGrant).map { HeldRole(named: $0, isWithheld: isWithheld[$0.grant.id.text] ?? false) }
    }

    static func held(by holder: GrantHolder, at now: Timestamp) -> Statement {
        var subjects: Statement = ""
        for subject in holder.subjects {
            subjects =
                subjects.text.isEmpty
                ? "(\(subject.kind.rawValue), \(subject.value))"
                : "\(fragment: subjects), (\(subject.kind.rawValue), \(subject.value))"
        }
        let isOpen: Statement = "applications.state = 'aktif' AND \(fragment: counts(at: now))"
        // The few subjects come first: SQLite keeps the order of a CROSS JOIN, and finds each by the index.
        var all: Statement = """
            WITH subjects(kind, value) AS (VALUES \(fragment: subjects))
            SELECT grants.id, grants.application_id, grants.role FROM subjects CROSS JOIN grants
            JOIN applications ON applications.id = grants.application_id
            WHERE grants.subject_kind = subjects.kind AND grants.subject = subjects.value
            AND (grants.unit_id IS NULL OR grants.unit_id IN \(list: holder.unitIDs)) AND \(fragment: isOpen)
            """
        // Joined by UNION: an OR would keep SQLite from both indexes.
        for post in holder.appointed {
            guard let unit = post.unitIDs.last else { continue }
            all = """
                \(fragment: all) UNION
                SELECT grants.id, grants.application_id, grants.role FROM grants
                JOIN applications ON applications.id = grants.application_id
                WHERE grants.post_key = \(post.postKey) AND grants.post_unit_id = \(unit)
                AND (grants.unit_id IS NULL OR grants.unit_id IN \(list: post.unitIDs))
                AND \(fragment: isOpen)
                """
        }
        return all
    }

    /// Whether a row of `held` has a counterpart there that excludes it.
    private static let meetsExcluded: Statement =
        """
        EXISTS (SELECT 1 FROM exclusions JOIN held other ON other.application_id = exclusions.other_application_id
        AND other.role = exclusions.other_role WHERE exclusions.application_id = held.application_id AND exclusions.role = held.role)
        """

    private static func counts(at now: Timestamp) -> Statement {
        """
        grants.valid_from <= \(now) AND (grants.valid_to IS NULL OR grants.valid_to > \(now))
        AND (grants.ended_at IS NULL OR grants.ended_at > \(now))
        """
    }

    // MARK: Reading rows

    private static func role(_ row: Row) throws -> ApplicationRole {
        ApplicationRole(
            applicationID: try row.id(0), name: try row.text(1), description: try row.optionalText(2),
            createdAt: try row.time(3))
    }

    static func grant(_ row: Row) throws -> RoleGrant {
        RoleGrant(
            id: try row.id(0), applicationID: try row.id(1), role: try row.text(2),
            subject: GrantSubject(try row.value(3, as: GrantSubject.Kind.self), try row.text(4)),
            postKey: try row.optionalText(14), postUnitID: try row.optionalID(15), unitID: try row.optionalID(5),
            validFrom: try row.time(6),
            validTo: try row.optionalTime(7),
            letterNumber: try row.text(8), givenBy: try row.text(9), givenAt: try row.time(10),
            endedAt: try row.optionalTime(11), endedBy: try row.optionalText(12),
            endReason: try row.optionalText(13) == nil ? nil : row.value(13, as: RoleGrant.EndReason.self)
        )
    }

    private static func namedGrant(_ row: Row) throws -> NamedGrant {
        NamedGrant(
            grant: try grant(row), applicationSlug: try row.text(16), applicationName: try row.text(17),
            subjectName: try row.optionalText(18), unitName: try row.optionalText(19)
        )
    }
}
