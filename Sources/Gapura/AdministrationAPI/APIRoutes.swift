import GapuraDirectory
import GapuraFormats
import GapuraStore
import HTTPTypes

/// The table of the administration API. A new route is a line in its group; the router, the OpenAPI document and the
/// tests take it from here.
package enum APIRoutes {
    static let base = "/api/v1"

    package static let all: [APIRoute] =
        own + accounts + people + units + grants + applications + personnel + legacy + records

    /// Operations that only commands carry out, though an admin's role might allow them, and why.
    package static let commandsOnly: [(operation: String, reason: String)] = [
        ("personnel.refresh", "asks SIASN once a second for minutes, with the token of an operator"),
        ("audit.verify", "reads every row that was ever written"),
    ]

    /// Where a list goes on.
    static let cursor = APIField("cursor", .text, "The member next of the page before.")

    /// By path, in the order of the table: one path has several methods.
    static let byPath: [[APIRoute]] = {
        var paths: [String] = []
        var groups: [String: [APIRoute]] = [:]
        for route in all {
            if groups[route.routerPath] == nil { paths.append(route.routerPath) }
            groups[route.routerPath, default: []].append(route)
        }
        return paths.compactMap { groups[$0] }
    }()

    // MARK: Fields

    private static func text(_ name: String, _ summary: String) -> APIField { APIField(name, .text, summary) }
    private static func flag(_ name: String, _ summary: String) -> APIField { APIField(name, .flag, summary) }
    private static func day(_ name: String, _ summary: String) -> APIField { APIField(name, .day, summary) }
    private static func texts(_ name: String, _ summary: String) -> APIField { APIField(name, .texts, summary) }

    private static func word<Word: RawRepresentable<String> & CaseIterable>(
        _ name: String, _ type: Word.Type, _ summary: String
    ) -> APIField {
        APIField(name, .word(type.allCases.map(\.rawValue)), summary)
    }

    private static let limit = APIField("limit", .integer(1...1000), "How many at most.")
    private static let unit = text(
        "unit", "A unit by id, id in personnel data, or name; what is below it belongs to it.")
    private static let state = word("state", AccountState.self, "State of an account.")
    private static let role = word("role", AdminRole.self, "Role in administration.")
    private static let metadata = APIField(
        "metadata", .object, "Members of RFC 7591 and of this gateway; see docs/oidc.md.")

    private static func after(_ list: String) -> APIRoute.Page {
        APIRoute.Page(list: list, argument: "after", key: "id")
    }

    // MARK: Groups

    private static let own = [
        APIRoute(.get, "/me", "authority.show", "Who asks, with what they may do and how far it reaches")
    ]

    private static let accounts = [
        APIRoute(
            .get, "/accounts", "account.list", "Accounts within reach, a page at a time",
            query: [
                state, role, unit, text("search", "Part of a name, NIP, user name or email."),
                flag("count", "Also says how many there are in all."), cursor, limit,
            ], page: after("accounts"), fixed: ["count": false]),
        APIRoute(
            .post, "/accounts", "account.add", "Adds an account without a person, or finds the same one again",
            body: [
                text("user_name", "What they sign in with.").required, text("name", "Their name.").required,
                text("email", "Their address."), role, text("sponsor", "Who answers for them: an account."),
                day("ends_at", "The last day."), flag("link", "Also makes a one-time link for the first password."),
            ]),
        APIRoute(
            .get, "/accounts/{name}", "account.show", "One account, by id, NIP, user name or email",
            resource: "account.show"),
        APIRoute(
            .put, "/accounts/{name}/state", "account.state", "Changes whether somebody may sign in",
            body: [state.required, flag("follow_personnel", "From now on personnel data decides again.")],
            resource: "account.show"),
        APIRoute(
            .put, "/accounts/{name}/email", "account.email", "Changes the address",
            body: [text("email", "The address.").required, flag("verified", "It is known to be theirs.")],
            resource: "account.show"),
        APIRoute(
            .put, "/accounts/{name}/role", "account.role", "Makes somebody an admin, or takes that away (none)",
            body: [role.required, unit], resource: "account.show"),
        APIRoute(
            .put, "/accounts/{name}/end", "account.extend", "Changes the last day of an account without a person",
            body: [day("until", "The last day.").required, text("sponsor", "Who answers for them from now on.")],
            resource: "account.show"),
        APIRoute(
            .post, "/accounts/{name}/links", "account.link", "Makes a one-time link for a new password"),
        APIRoute(.delete, "/accounts/{name}/sessions", "account.end-sessions", "Signs somebody out everywhere"),
        APIRoute(
            .get, "/accounts/{name}/consents", "consent.list",
            "What somebody allowed applications that are not the city's own"),
        APIRoute(
            .delete, "/accounts/{name}/consents/{client_id}", "consent.revoke",
            "Takes back what somebody allowed an application, and its tokens"),
        APIRoute(.get, "/accounts/{name}/roles", "grant.show-for", "The roles that somebody holds, and why"),
        APIRoute(
            .post, "/activation-codes", "account.codes", "Makes printed codes for those who never came",
            body: [
                unit, flag("all", "Everybody within reach."), texts("names", "Accounts."),
                flag("again", "Also replaces codes that are still good."),
            ]),
        APIRoute(
            .get, "/newcomers", "account.pending", "Who has not come yet, and how many by agency",
            query: [unit, limit]),
        APIRoute(
            .get, "/ending-accounts", "account.ending", "Accounts without a person that end soon",
            query: [APIField("days", .integer(0...3650), "Within how many days.")]),
    ]

    private static let people = [
        APIRoute(.get, "/people/{name}", "person.show", "What is held about somebody, with the NIK covered"),
        APIRoute(
            .get, "/people/{name}/disclosures", "person.disclosures", "Which applications learnt what about somebody"),
        APIRoute(
            .post, "/people/{name}/exports", "person.data",
            "Everything that is held about somebody, for them, with the NIK covered; in the audit"),
        APIRoute(
            .post, "/people/{name}/erasure", "person.forget",
            "Erases somebody; says what it would erase unless confirmed",
            body: [flag("confirmed", "Erases; without it nothing changes.")]),
        APIRoute(
            .post, "/identity-lookups", "person.find", "Who has a NIK; the question is in the audit",
            body: [text("nik", "16 digits.").required]),
        APIRoute(.get, "/people/{person}/manager", "manager.show", "Who somebody's manager is, and why"),
        APIRoute(
            .put, "/people/{person}/manager", "manager.set", "Names a manager by hand",
            body: [text("manager", "By NIP, pns_id or user name.").required]),
        APIRoute(.delete, "/people/{person}/manager", "manager.clear", "Lets the tree decide who the manager is"),
        APIRoute(.get, "/unmanaged-people", "manager.missing", "Who has no manager, and why", query: [limit]),
        APIRoute(
            .get, "/appointments", "appointment.list", "Letters of appointment, the latest first",
            query: [
                unit, text("person", "By NIP, pns_id or user name."), day("on", "Only what holds on that day."), cursor,
                limit,
            ], page: after("appointments")),
        APIRoute(
            .post, "/appointments", "appointment.add", "Records a letter of appointment",
            body: [
                text("kind", "definitif, plt, plh or pj.").required, text("nip", "Whom."), text("pns_id", "Whom."),
                unit.required, text("post", "The post; the head of the unit if it is not said."),
                day("from", "The first day.").required, day("to", "The last day."),
                text("letter", "The number of the letter.").required,
            ]),
        APIRoute(
            .put, "/appointments/{id}/end", "appointment.end", "Ends an appointment",
            body: [day("on", "The last day.").required]),
    ]

    private static let units = [
        APIRoute(
            .get, "/units", "unit.list", "Units within reach, from the top",
            query: [
                text("agency", "Only those of an agency."), text("search", "Part of a name."),
                flag("closed", "Those that were closed."), cursor, limit,
            ], page: after("units")),
        APIRoute(
            .get, "/units/{unit}", "unit.show", "One unit, with its head and who acts in it", resource: "unit.show"),
        APIRoute(.get, "/units/{unit}/history", "unit.history", "What happened to a unit"),
        APIRoute(
            .get, "/unit-drafts", "unit.draft-list", "Reorganisations that wait for their day, and those that were"),
        APIRoute(
            .post, "/unit-drafts", "unit.draft-push", "Keeps a reorganisation for its day, and shows what it would do",
            body: [
                APIField(
                    "units", .objects(20_000), "The whole tree: an object for each unit, members as the profile says."
                )
                .required,
                day("on", "The day on which it becomes so.").required,
                texts("merges", "OLD=NEW, by ids of personnel data: where the people of a closed unit go."),
                APIField("confirm_closed", .integer(0...1_000_000), "How many units may close, if many."),
                text("name", "What people will know the draft by."),
                text("profile", "A built-in profile; siasn-csv if it is not said."),
                APIField("profile_text", .object, "A profile of one's own, as JSON."),
            ], bodyLimit: 16 << 20),
        APIRoute(.get, "/unit-drafts/{draft}", "unit.draft-show", "What a draft would do today"),
        APIRoute(.delete, "/unit-drafts/{draft}", "unit.draft-cancel", "Drops a draft that waits"),
    ]

    private static let grants = [
        APIRoute(
            .get, "/grants", "grant.list", "Roles in applications and to whom they were given",
            query: [
                text("application", "By its short name."), text("account", "To this account itself."),
                day("on", "Only what counts on that day."), cursor, limit,
            ], page: after("grants")),
        APIRoute(
            .post, "/grants", "grant.add", "Gives a role in an application",
            body: [
                text("application", "By its short name.").required, text("role", "Its role.").required,
                text("account", "To an account."), text("post", "To whoever holds a post."),
                text("unit", "To a unit and all below it."), text("kind", "To a kind of employment."),
                text("in_unit", "Only as long as they work there."), day("from", "The first day."),
                day("until", "The last day."), text("letter", "The number of the letter.").required,
            ]),
        APIRoute(
            .put, "/grants/{id}/end", "grant.end", "Ends a grant, now or on a day", body: [day("on", "The last day.")]),
        APIRoute(
            .get, "/role-exclusions", "role.exclusions", "Which two roles nobody may hold together, and who does"),
        APIRoute(
            .post, "/role-exclusions", "role.exclude", "From now on nobody holds both of two roles",
            body: [
                text("first", "application/role.").required, text("second", "application/role.").required,
            ]),
    ]

    private static let details = [
        text("agency", "Whose it is."), text("contact", "Whom to ask."), text("url", "Where it is."),
        text("description", "What it is for."),
    ]

    private static let applications = [
        APIRoute(.get, "/applications", "application.list", "The inventory of applications"),
        APIRoute(
            .post, "/applications", "application.add", "Adds an application, or finds the same one again",
            body: [text("slug", "Its short name.").required, text("name", "Its name.").required] + details
                + [word("state", ApplicationState.self, "Where it stands; diajukan if it is not said.")]),
        APIRoute(
            .get, "/applications/{slug}", "application.show", "One application", resource: "application.show"),
        APIRoute(
            .patch, "/applications/{slug}", "application.update", "Changes what is said about an application",
            body: [text("name", "Its name.")] + details, resource: "application.show"),
        APIRoute(
            .put, "/applications/{slug}/state", "application.state", "Approves, suspends, archives …",
            body: [word("state", ApplicationState.self, "Where it stands.").required], resource: "application.show"),
        APIRoute(
            .put, "/applications/{slug}/access", "application.access", "Replaces who may use an application",
            body: [
                flag("everyone", "Everybody who may sign in."), texts("agencies", "Agencies."),
                texts("units", "Units and what is below them."), texts("kinds", "Kinds of employment."),
            ], resource: "application.show"),
        APIRoute(.get, "/applications/{application}/roles", "role.list", "The roles of an application"),
        APIRoute(
            .post, "/applications/{application}/roles", "role.add", "Adds a role to an application",
            body: [text("name", "Its name.").required, text("description", "What it allows.")]),
        APIRoute(
            .get, "/clients", "client.list", "OAuth clients", query: [text("application", "Only those of one.")]),
        APIRoute(
            .post, "/clients", "client.add", "Registers a client; its secret is told once",
            body: [
                text("application", "Whose it is.").required, text("client_id", "Made up if it is not said."),
                metadata.required,
            ]),
        APIRoute(
            .get, "/clients/{client_id}", "client.show", "One client, without its secret", resource: "client.show"),
        APIRoute(
            .patch, "/clients/{client_id}", "client.update", "Changes a registration; null takes a member away",
            body: [metadata.required], resource: "client.show"),
        APIRoute(
            .get, "/clients/{client_id}/check", "client.check",
            "Walks an integration, grades it, and says what to do next"),
        APIRoute(
            .post, "/clients/{client_id}/secrets", "client.secret", "Makes a new secret; it is told once"),
        APIRoute(
            .put, "/clients/{client_id}/state", "client.state", "Disables a client, or lets it act again",
            body: [APIField("state", .word(["active", "disabled"]), "Whether it may act.").required],
            resource: "client.show"),
        APIRoute(
            .get, "/registrations", "registration.list", "Rights to register clients over the network, the latest first"
        ),
        APIRoute(
            .post, "/registrations", "registration.add",
            "Gives a token with which clients of an application are registered; it is told once",
            body: [
                text("application", "The application's slug.").required,
                texts("hosts", "Hosts of their redirect URIs.").required,
                text("scope", "The scopes that they may have, separated by spaces."),
                APIField(
                    "profile", .word(ClientSecurity.Profile.allCases.map(\.rawValue)), "What they are held to."),
                flag("trusted", "The city's own: nobody is asked for consent."),
                APIField("days", .integer(1...365), "For how many days."),
                APIField("uses", .integer(1...1000), "For how many clients."),
            ]),
        APIRoute(
            .delete, "/registrations/{id}", "registration.end", "Ends a right; clients registered with it stay"),
    ]

    private static let personnel = [
        APIRoute(
            .get, "/personnel/loads", "personnel.list", "Loads, the latest first", query: [cursor, limit],
            page: after("loads")),
        APIRoute(
            .post, "/personnel/loads", "personnel.push",
            "Shows what personnel data would change; changes it where asked",
            body: [
                word("coverage", PersonnelCoverage.self, "everybody: who is not there has left; listed: some people.")
                    .required,
                APIField("people", .objects(20_000), "Rows: an object for each person, members as the profile says.")
                    .required,
                APIField("units", .objects(20_000), "Rows: an object for each unit."),
                text("name", "What people will know the load by."),
                text("profile", "A built-in profile; siasn-csv if it is not said."),
                APIField("profile_text", .object, "A profile of one's own, as JSON."),
                flag("apply", "Changes; without it nothing is."),
                APIField(
                    "confirm_vanished", .integer(0...100_000_000), "How many accounts may lose their sign-in, if many."),
                flag("complete", "Tells of everybody who changes, not only the first."),
            ], bodyLimit: 16 << 20),
        APIRoute(.get, "/personnel/loads/{load}", "personnel.show", "One load, with what was wrong in it"),
        APIRoute(
            .post, "/personnel/loads/{load}/undo", "personnel.undo", "Takes a load back",
            body: [
                flag("preview", "Only says what would be taken back."),
                APIField(
                    "confirm_vanished", .integer(0...100_000_000), "How many accounts may lose their sign-in, if many."),
            ]),
        APIRoute(
            .get, "/personnel/bin", "personnel.bin", "Accounts that loads took away lately", query: [limit]),
    ]

    private static let legacy = [
        APIRoute(.get, "/legacy", "legacy.list", "Imports of old user tables"),
        APIRoute(
            .get, "/legacy/queue", "legacy.queue", "Old accounts of whom nobody is sure",
            query: [text("application", "Only those of one."), limit]),
        APIRoute(
            .post, "/legacy/matches", "legacy.match", "Says whose an old account is",
            body: [
                text("application", "Whose table.").required, text("local_id", "Its id there.").required,
                text("name", "The account.").required,
            ]),
        APIRoute(.delete, "/legacy/{application}", "legacy.forget", "Forgets the old passwords of an application"),
    ]

    private static let records = [
        APIRoute(
            .get, "/audit", "audit.list", "What was done, the latest first",
            query: [text("event", "Of one kind."), text("subject", "About one thing, by id."), cursor, limit],
            page: APIRoute.Page(list: "events", argument: "before", key: "seq")),
        APIRoute(
            .get, "/sign-outs", "logout.list", "Whether applications heard of sign-outs",
            query: [text("session", "Of one session."), limit]),
    ]
}
