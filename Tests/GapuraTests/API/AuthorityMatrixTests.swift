import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import Testing

@testable import Gapura

/// Every actor, every operation, every object: what is allowed is written down in `AuthorityCity` and here, by hand.
@Suite("Delegated administration: the matrix")
struct AuthorityMatrixTests {
    private typealias Asker = AuthorityCity.Asker

    /// Who may run an operation at all, beside `super`; `auditor` stands where it is a reading one.
    private static let mayRun: [String: Set<String>] = {
        let everyone: Set<String> = ["bkd", "setda", "setda-lain", "hukum", "dinkes", "auditor"]
        let desk: Set<String> = ["meja", "meja-setda"]
        let agencies: Set<String> = ["setda", "setda-lain", "hukum", "dinkes"]
        let personnel: Set<String> = ["bkd", "auditor"]
        var table: [String: Set<String>] = [:]
        func allow(_ askers: Set<String>, _ operations: String...) { for name in operations { table[name] = askers } }
        allow(
            everyone.union(desk), "authority.show", "account.show", "account.list", "account.pending", "account.ending",
            "consent.list")
        allow(agencies.union(["bkd"]).union(desk), "account.link")
        allow(
            agencies.union(["bkd"]), "account.add", "account.state", "account.email", "account.extend",
            "account.end-sessions", "account.codes", "consent.revoke")
        allow(agencies, "account.role", "grant.add", "grant.end")
        allow(everyone, "grant.list", "grant.show-for", "appointment.list", "manager.show", "manager.missing")
        allow(everyone, "application.list", "application.show", "role.list")
        allow(everyone.union(["feed"]), "unit.list", "unit.show", "unit.history")
        allow(personnel.union(["feed"]), "unit.draft-list", "unit.draft-show")
        allow(
            personnel, "role.exclusions", "client.list", "client.show", "client.check", "legacy.list", "legacy.queue",
            "registration.list")
        allow(["bkd"], "unit.draft-cancel", "unit.draft-push")
        allow(["bkd"], "appointment.add", "appointment.end", "manager.set", "manager.clear")
        allow(personnel.union(["feed"]), "personnel.list", "personnel.show", "personnel.bin")
        allow(["bkd", "feed"], "personnel.undo", "personnel.push", "personnel.refresh")
        allow(["auditor"], "audit.list", "audit.verify", "logout.list")
        allow(
            [], "role.add", "role.exclude", "application.add", "application.update", "application.state",
            "application.access", "client.add", "client.update", "client.secret", "client.state",
            "registration.add", "registration.end", "person.show",
            "person.find", "person.data", "person.disclosures", "person.forget", "legacy.match", "legacy.forget")
        return table
    }()

    private static let engines = bothEngines

    @Test(
        "attack 191: every operation that is not the server's own has a line here, and refuses whoever is not in it",
        arguments: engines)
    func operations(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            for operation in Operations.all {
                let line = Self.mayRun[operation.name]
                if operation.access == .console {
                    #expect(line == nil, "\(operation.name) is the console's")
                } else {
                    #expect(line != nil, "\(operation.name) has no line")
                }
                for asker in AuthorityCity.askers {
                    let isAllowed =
                        operation.access != .console
                        && (asker == .account("super") || line?.contains(asker.description) == true)
                    // Without arguments: who may is told what is missing.
                    let outcome = try await admins.outcome(operation.name, [:], as: asker)
                    #expect((outcome != .forbidden) == isAllowed, "\(operation.name) as \(asker): \(outcome)")
                }
            }
        }
    }

    /// What can be done to one account. `reads` needs reach alone.
    private struct Act: Sendable {
        let operation: String
        let reads: Bool
        let arguments: @Sendable (String) -> JSONObject
    }

    private static let acts: [Act] = [
        Act(operation: "account.show", reads: true) { ["name": .string($0)] },
        Act(operation: "grant.show-for", reads: true) { ["name": .string($0)] },
        Act(operation: "grant.list", reads: true) { ["account": .string($0)] },
        Act(operation: "account.add", reads: true) {
            ["user_name": .string("baru-\($0)"), "name": "Baru", "sponsor": .string($0), "ends_at": "2027-01-31"]
        },
        Act(operation: "account.state", reads: false) { ["name": .string($0), "state": "terbatas"] },
        Act(operation: "account.email", reads: false) { ["name": .string($0), "email": "a@contoh.invalid"] },
        Act(operation: "account.link", reads: false) { ["name": .string($0)] },
        Act(operation: "account.end-sessions", reads: false) { ["name": .string($0)] },
        Act(operation: "account.extend", reads: false) { ["name": .string($0), "until": "2027-12-31"] },
        Act(operation: "account.codes", reads: false) { ["names": [.string($0)]] },
        Act(operation: "account.role", reads: false) { ["name": .string($0), "role": "none"] },
    ]

    @Test(
        "attacks 188, 196: every act on every account: unknown out of reach, forbidden on equals and higher ones",
        arguments: engines)
    func accounts(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            let unknown = AccountID.make(now: admins.city.gateway.clock.now).text
            for act in Self.acts {
                for asker in AuthorityCity.askers {
                    let mayAct =
                        asker == .account("super") || Self.mayRun[act.operation]?.contains(asker.description) == true
                    let nobody = try await admins.outcome(act.operation, act.arguments(unknown), as: asker)
                    #expect(nobody == (mayAct ? .notFound : .forbidden), "\(act.operation) on nobody as \(asker)")
                    for (target, place) in AuthorityCity.places {
                        var expected: AuthorityCity.Outcome = .allowed
                        // One's own role one may lay down.
                        let isOwnRole = act.operation == "account.role" && asker == .account(target)
                        if !mayAct {
                            expected = .forbidden
                        } else if !AuthorityCity.sees(asker, place) {
                            expected = .notFound
                        } else if !act.reads, !isOwnRole, !AuthorityCity.standsAbove(asker, target) {
                            expected = .forbidden
                        }
                        let outcome = try await admins.outcome(
                            act.operation, act.arguments(admins.id(target)), as: asker)
                        #expect(outcome == expected, "\(act.operation) on \(target) as \(asker): \(outcome)")
                        if outcome == .allowed, !act.reads { try await admins.restore() }
                    }
                }
            }
        }
    }

    @Test("attack 188: every unit and every grant, read, given and ended", arguments: engines)
    func unitsAndGrants(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            let asAll: [(operation: String, member: String)] = [
                ("unit.show", "unit"), ("unit.history", "unit"), ("account.list", "unit"), ("account.pending", "unit"),
                ("account.codes", "unit"), ("appointment.list", "unit"),
            ]
            for (operation, member) in asAll {
                for asker in AuthorityCity.askers {
                    let mayAct =
                        asker == .account("super") || Self.mayRun[operation]?.contains(asker.description) == true
                    for unit in ["setda", "hukum", "dinkes", "puskesmas"] {
                        let expected: AuthorityCity.Outcome =
                            !mayAct ? .forbidden : AuthorityCity.sees(asker, unit) ? .allowed : .notFound
                        // By its id, and by its name.
                        for name in [try admins.unit(unit), admins.city.units[unit]?.name ?? ""] {
                            let outcome = try await admins.outcome(operation, [member: .string(name)], as: asker)
                            #expect(outcome == expected, "\(operation) \(unit) as \(asker): \(outcome)")
                        }
                    }
                }
            }
            // simpeg belongs to the Sekretariat: its admins give its roles to their own people, and not to themselves.
            for asker in AuthorityCity.askers {
                let mayAct = asker == .account("super") || Self.mayRun["grant.add"]?.contains(asker.description) == true
                for (target, place) in AuthorityCity.places {
                    var expected: AuthorityCity.Outcome = .allowed
                    let isOwners = ["super", "setda", "setda-lain"].contains(asker.description)
                    if !mayAct {
                        expected = .forbidden
                    } else if !AuthorityCity.sees(asker, place) {
                        expected = .notFound
                    } else if !isOwners {
                        // An application of others is as unknown as one that never was.
                        expected = .notFound
                    } else if asker == .account(target), asker != .account("super") {
                        expected = .forbidden
                    }
                    let arguments: JSONObject = [
                        "application": "simpeg", "role": "penilai", "account": .string(try admins.id(target)),
                        "letter": .string("SK-\(asker)-\(target)"),
                    ]
                    let outcome = try await admins.outcome("grant.add", arguments, as: asker)
                    #expect(outcome == expected, "grant.add to \(target) as \(asker): \(outcome)")
                    // Whoever held the role could pass it on.
                    if outcome == .allowed {
                        let grant = try await admins.city.operate("grant.add", arguments)
                        _ = try await admins.city.operate(
                            "grant.end", ["id": .string(try #require(grant["id"]?.string))])
                    }
                }
            }
            try await Self.endEach(admins)
        }
    }

    @Test("attack 188: every person and every application, by every operation that names one", arguments: engines)
    func peopleAndApplications(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            _ = try await admins.city.operate(
                "application.add",
                ["slug": "e-klinik", "name": "e-Klinik", "agency": "UNOR-dinkes", "state": "aktif"])
            _ = try await admins.city.operate("application.add", ["slug": "yatim", "name": "Yatim", "state": "aktif"])
            let owners: [String: String?] = ["simpeg": "setda", "e-klinik": "dinkes", "yatim": nil]
            for asker in AuthorityCity.askers {
                func check(_ operation: String, _ member: String, _ name: String, in place: String?) async throws {
                    let mayAct =
                        asker == .account("super") || Self.mayRun[operation]?.contains(asker.description) == true
                    let expected: AuthorityCity.Outcome =
                        !mayAct ? .forbidden : AuthorityCity.sees(asker, place) ? .allowed : .notFound
                    let outcome = try await admins.outcome(operation, [member: .string(name)], as: asker)
                    #expect(outcome == expected, "\(operation) of \(name) as \(asker): \(outcome)")
                }
                for key in Self.people + ["ujang", "siti", "budi", "rina"] {
                    let place = AuthorityCity.places[key] ?? nil
                    for operation in ["manager.show", "appointment.list"] {
                        try await check(operation, "person", "PNS-\(key)", in: place)
                    }
                }
                for (slug, owner) in owners {
                    try await check("application.show", "slug", slug, in: owner)
                    try await check("role.list", "application", slug, in: owner)
                }
            }
        }
    }

    /// A grant to an account of Bagian Hukum, one to Dinas Kesehatan, and one to all PNS, ended by everybody.
    private static func endEach(_ admins: AuthorityCity) async throws {
        let recipients: [(place: String?, JSONObject)] = [
            ("hukum", ["account": .string(try admins.id("ujang"))]),
            ("dinkes", ["unit": .string(try admins.unit("dinkes"))]),
            (nil, ["kind": "PNS"]),
        ]
        for (number, (place, recipient)) in recipients.enumerated() {
            for asker in AuthorityCity.askers {
                var wish: JSONObject = [
                    "application": "simpeg", "role": "penilai", "letter": .string("A-\(number)-\(asker)"),
                ]
                for (key, value) in recipient.members { wish[key] = value }
                let grant = try await admins.city.operate("grant.add", wish)
                let outcome = try await admins.outcome(
                    "grant.end", ["id": .string(try #require(grant["id"]?.string))], as: asker)
                var expected: AuthorityCity.Outcome = .allowed
                if !["super", "setda", "setda-lain", "hukum", "dinkes"].contains(asker.description) {
                    expected = .forbidden
                } else if !AuthorityCity.sees(asker, place) {
                    expected = .notFound
                } else if asker == .account("dinkes") {
                    // The grant to their whole agency reaches them too: who holds a role may end it among their people.
                    expected = .allowed
                } else if !["super", "setda", "setda-lain"].contains(asker.description) {
                    expected = .forbidden
                }
                #expect(outcome == expected, "grant.end \(number) as \(asker): \(outcome)")
                _ = try await admins.city.operate("grant.end", ["id": .string(try #require(grant["id"]?.string))])
            }
        }
    }

    @Test("attack 190: lists, searches and counts hold what is within reach and nothing else", arguments: engines)
    func lists(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            for asker in AuthorityCity.askers {
                guard asker == .account("super") || Self.mayRun["account.list"]?.contains(asker.description) == true
                else { continue }
                let visible = AuthorityCity.places.filter { AuthorityCity.sees(asker, $0.value) }.map(\.key)
                let expected = Set(try visible.map(admins.id))
                for (more, wanted) in [
                    ([:] as JSONObject, expected),
                    (["search": "pegawai"], expected.intersection(try Self.people.map(admins.id))),
                    (["search": "1890"], expected.intersection([try admins.id("ujang")])),
                    (["search": "%"], []), (["search": "_"], []),
                    (["state": "ditangguhkan"], expected.intersection(try ["rina", "super-tidur"].map(admins.id))),
                    (
                        ["role": "agency_admin"],
                        expected.intersection(try ["setda", "setda-lain", "hukum", "dinkes", "pindah"].map(admins.id))
                    ),
                ] {
                    var arguments = more
                    arguments["limit"] = 3
                    var found: Set<String> = []
                    // Page by page.
                    while true {
                        let page = try await admins.run("account.list", arguments, as: asker)
                        let ids = (page["accounts"]?.array ?? []).compactMap { $0["id"]?.string }
                        #expect(found.isDisjoint(with: ids))
                        found.formUnion(ids)
                        #expect(page["matching"]?.integer == Int64(wanted.count), "\(asker) \(more)")
                        guard page["more"]?.bool == true, let last = ids.last else { break }
                        arguments["after"] = .string(last)
                    }
                    #expect(found == wanted, "\(asker) \(more)")
                }
                let named = try await admins.outcome(
                    "account.list", ["unit": .string(try admins.unit("puskesmas"))], as: asker)
                #expect(named == (AuthorityCity.sees(asker, "puskesmas") ? .allowed : .notFound))
                let ending = try await admins.run("account.ending", [:], as: asker)
                #expect(
                    Set((ending["accounts"]?.array ?? []).compactMap { $0["user_name"]?.string })
                        == Set(["vendor-hukum", "vendor-dinkes"].filter(visible.contains)))
                let pending = try await admins.run("account.pending", ["limit": 0], as: asker)
                let waiting = Set((pending["people"]?.array ?? []).compactMap { $0["id"]?.string })
                #expect(waiting == Set(try Self.waiting(asker, visible).map(admins.id)), "\(asker)")
                #expect(pending["pending"]?.integer == Int64(waiting.count), "\(asker)")
            }
            try await Self.otherLists(admins)
        }
    }

    /// Who has no password and may get one. A unit's list is of those who work there.
    private static func waiting(_ asker: Asker, _ visible: [String]) -> [String] {
        let others: Set<String> = ["ujang", "siti", "budi", "rina", "super-tidur"]
        let isWhole = AuthorityCity.reaches[asker.description] == "*"
        return visible.filter { !others.contains($0) && (isWhole || people.contains($0)) }
    }

    private static let people = [
        "super", "super-tidur", "bkd", "setda", "setda-lain", "hukum", "dinkes", "pindah", "auditor", "meja",
        "meja-setda", "tanpa-unit",
    ]

    private static func otherLists(_ admins: AuthorityCity) async throws {
        for (place, recipient) in [("ujang", "ujang"), ("siti", "siti")] {
            _ = try await admins.city.operate(
                "grant.add",
                [
                    "application": "simpeg", "role": "penilai", "account": .string(try admins.id(recipient)),
                    "letter": .string(place),
                ])
        }
        for asker in AuthorityCity.askers {
            guard asker == .account("super") || mayRun["grant.list"]?.contains(asker.description) == true else {
                continue
            }
            let grants = try await admins.run("grant.list", [:], as: asker)
            let letters = Set((grants["grants"]?.array ?? []).compactMap { $0["letter"]?.string })
            #expect(
                letters
                    == Set(["ujang", "siti"].filter { AuthorityCity.sees(asker, AuthorityCity.places[$0] ?? nil) }),
                "\(asker)")
            let units = try await admins.run("unit.list", [:], as: asker)
            let names = Set((units["units"]?.array ?? []).compactMap { $0["id"]?.string })
            let expected: [String] = ["setda", "hukum", "dinkes", "puskesmas"].filter { AuthorityCity.sees(asker, $0) }
            #expect(
                names.subtracting([try admins.unit("kota")]) == Set(try expected.map { try admins.unit($0) }),
                "\(asker)")
            #expect(names.contains(try admins.unit("kota")) == (AuthorityCity.reaches[asker.description] == "*"))
            let applications = try await admins.run("application.list", [:], as: asker)
            #expect(
                (applications["applications"]?.array?.isEmpty == false)
                    == ["*", "setda"].contains(AuthorityCity.reaches[asker.description] ?? ""))
        }
    }

    @Test("attack 188: what is out of reach is answered word for word like what never was")
    func sameWords() async throws {
        try await withAdmins(on: .sqlite) { admins in
            let now = admins.city.gateway.clock.now
            let grant = try await admins.city.operate(
                "grant.add",
                ["application": "simpeg", "role": "penilai", "account": .string(try admins.id("ujang")), "letter": "1"])
            let pairs: [(String, JSONObject, JSONObject)] =
                try Self.acts.map { act in
                    (act.operation, act.arguments(try admins.id("ujang")), act.arguments(AccountID.make(now: now).text))
                } + [
                    (
                        "grant.end", ["id": .string(try #require(grant["id"]?.string))],
                        ["id": .string(GrantID.make(now: now).text)]
                    ),
                    ("manager.show", ["person": "PNS-ujang"], ["person": "PNS-tidak-ada"]),
                    ("appointment.list", ["person": "PNS-ujang"], ["person": "PNS-tidak-ada"]),
                ]
            for (operation, real, unreal) in pairs {
                let first = await #expect(throws: OperationError.self) {
                    try await admins.run(operation, real, as: .account("dinkes"))
                }
                let second = await #expect(throws: OperationError.self) {
                    try await admins.run(operation, unreal, as: .account("dinkes"))
                }
                #expect(first == second && first?.code == .notFound, "\(operation)")
            }
            // A unit is named in its refusal as it was asked for.
            for name in ["Bagian Hukum", "Bagian Antah"] {
                let error = await #expect(throws: OperationError.self) {
                    try await admins.run("unit.show", ["unit": .string(name)], as: .account("dinkes"))
                }
                #expect(error?.code == .notFound && error?.message.contains("is called \(name)") == true)
            }
        }
    }
}
