extension Migration {
    /// The first schema: organisation, people, accounts, sign-in, applications and clients, tokens, sign-out, audit,
    /// personnel loads.
    ///
    /// Portable subset: `TEXT` and `BIGINT`; times in milliseconds since 1970, booleans 0/1. Secrets stand here only as
    /// SHA-256 digests (base64url), except `clients.sealed_secret`, which must compute and is under AES-256-GCM with a
    /// key in `keys/`.
    static let foundation = Migration(version: 1, name: "foundation") { tx in
        for statement in organisation + accounts + applications + tokens + records {
            try tx.run(statement)
        }
    }

    private static let organisation: [Statement] = [
        """
        CREATE TABLE units (
            id TEXT PRIMARY KEY, source_id TEXT NOT NULL UNIQUE, parent_id TEXT REFERENCES units(id), agency_id TEXT REFERENCES units(id),
            name TEXT NOT NULL, post_name TEXT, kind TEXT, echelon TEXT, path TEXT NOT NULL, head_pns_id TEXT,
            valid_from BIGINT NOT NULL, valid_to BIGINT
        )
        """,
        "CREATE INDEX units_parent ON units(parent_id)",
        """
        CREATE TABLE people (
            id TEXT PRIMARY KEY, pns_id TEXT UNIQUE, name TEXT NOT NULL, front_title TEXT, back_title TEXT,
            employee_kind TEXT NOT NULL, status_code TEXT, status_name TEXT, grade TEXT,
            post_kind TEXT, post_id TEXT, post_name TEXT, post_since BIGINT, unit_id TEXT REFERENCES units(id),
            works_here BIGINT NOT NULL, email TEXT, phone TEXT, needs_review BIGINT NOT NULL,
            created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
        )
        """,
        "CREATE INDEX people_unit ON people(unit_id)",
        """
        CREATE TABLE aliases (
            id TEXT PRIMARY KEY, person_id TEXT NOT NULL REFERENCES people(id), kind TEXT NOT NULL, value TEXT NOT NULL,
            valid_from BIGINT NOT NULL, valid_to BIGINT
        )
        """,
        "CREATE UNIQUE INDEX aliases_current ON aliases(kind, value) WHERE valid_to IS NULL",
        "CREATE INDEX aliases_person ON aliases(person_id)",
        "CREATE INDEX aliases_value ON aliases(value)",
    ]

    private static let accounts: [Statement] = [
        """
        CREATE TABLE accounts (
            id TEXT PRIMARY KEY, person_id TEXT UNIQUE REFERENCES people(id), sub TEXT NOT NULL UNIQUE,
            user_name TEXT, user_name_key TEXT UNIQUE, display_name TEXT, email TEXT, email_key TEXT, email_verified BIGINT NOT NULL,
            state TEXT NOT NULL, state_by TEXT NOT NULL, role TEXT NOT NULL, sponsor_id TEXT REFERENCES accounts(id), ends_at BIGINT,
            password_hash TEXT, password_changed_at BIGINT, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
        )
        """,
        "CREATE INDEX accounts_email ON accounts(email_key)",
        """
        CREATE TABLE one_time_links (
            digest TEXT PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts(id), purpose TEXT NOT NULL,
            created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, used_at BIGINT
        )
        """,
        "CREATE INDEX one_time_links_account ON one_time_links(account_id)",
        """
        CREATE TABLE throttles (
            key TEXT PRIMARY KEY, failures BIGINT NOT NULL, last_failure_at BIGINT NOT NULL, open_at BIGINT NOT NULL
        )
        """,
        "CREATE INDEX throttles_last ON throttles(last_failure_at)",
        """
        CREATE TABLE devices (
            digest TEXT PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts(id), network TEXT NOT NULL, created_at BIGINT NOT NULL, last_seen_at BIGINT NOT NULL
        )
        """,
        "CREATE INDEX devices_last ON devices(last_seen_at)",
        "CREATE INDEX devices_network ON devices(network)",
        """
        CREATE TABLE sessions (
            id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, account_id TEXT NOT NULL REFERENCES accounts(id),
            auth_time BIGINT NOT NULL, amr TEXT NOT NULL, acr TEXT NOT NULL, user_agent TEXT, address TEXT,
            created_at BIGINT NOT NULL, last_seen_at BIGINT NOT NULL, idle_ends_at BIGINT NOT NULL, ends_at BIGINT NOT NULL,
            ended_at BIGINT, end_reason TEXT
        )
        """,
        "CREATE INDEX sessions_account ON sessions(account_id)",
        "CREATE INDEX sessions_ends ON sessions(ends_at)",
        """
        CREATE TABLE flows (
            digest TEXT PRIMARY KEY, network TEXT NOT NULL, client_id TEXT, request TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, used_at BIGINT
        )
        """,
        "CREATE INDEX flows_expires ON flows(expires_at)",
        "CREATE INDEX flows_open ON flows(network, expires_at) WHERE used_at IS NULL",
    ]

    private static let applications: [Statement] = [
        """
        CREATE TABLE applications (
            id TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT, url TEXT, owner_unit_id TEXT REFERENCES units(id),
            contact TEXT, state TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
        )
        """,
        """
        CREATE TABLE access_rules (
            application_id TEXT NOT NULL REFERENCES applications(id), kind TEXT NOT NULL, value TEXT NOT NULL,
            PRIMARY KEY (application_id, kind, value)
        )
        """,
        """
        CREATE TABLE application_uses (
            application_id TEXT NOT NULL REFERENCES applications(id), account_id TEXT NOT NULL REFERENCES accounts(id),
            first_used_at BIGINT NOT NULL, last_used_at BIGINT NOT NULL, times BIGINT NOT NULL,
            PRIMARY KEY (application_id, account_id)
        )
        """,
        """
        CREATE TABLE clients (
            id TEXT PRIMARY KEY, application_id TEXT NOT NULL REFERENCES applications(id), state TEXT NOT NULL,
            secret_digest TEXT, sealed_secret TEXT, secret_changed_at BIGINT, settings TEXT NOT NULL,
            backchannel_logout_uri TEXT, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
        )
        """,
        "CREATE INDEX clients_application ON clients(application_id)",
    ]

    private static let tokens: [Statement] = [
        """
        CREATE TABLE client_sessions (
            sid TEXT PRIMARY KEY, session_id TEXT NOT NULL REFERENCES sessions(id), client_id TEXT NOT NULL REFERENCES clients(id),
            created_at BIGINT NOT NULL, last_used_at BIGINT NOT NULL, UNIQUE (session_id, client_id)
        )
        """,
        """
        CREATE TABLE token_families (
            id TEXT PRIMARY KEY, client_id TEXT NOT NULL REFERENCES clients(id), account_id TEXT NOT NULL REFERENCES accounts(id),
            session_id TEXT NOT NULL REFERENCES sessions(id), sid TEXT NOT NULL, scope TEXT NOT NULL, auth_time BIGINT NOT NULL,
            amr TEXT NOT NULL, acr TEXT NOT NULL, offline BIGINT NOT NULL, created_at BIGINT NOT NULL, ends_at BIGINT NOT NULL,
            revoked_at BIGINT, revoke_reason TEXT
        )
        """,
        "CREATE INDEX token_families_session ON token_families(session_id)",
        "CREATE INDEX token_families_account ON token_families(account_id)",
        "CREATE INDEX token_families_ends ON token_families(ends_at)",
        """
        CREATE TABLE codes (
            digest TEXT PRIMARY KEY, family_id TEXT NOT NULL REFERENCES token_families(id), client_id TEXT NOT NULL, redirect_uri TEXT NOT NULL,
            nonce TEXT, challenge TEXT, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, used_at BIGINT
        )
        """,
        "CREATE INDEX codes_expires ON codes(expires_at)",
        "CREATE INDEX codes_family ON codes(family_id)",
        """
        CREATE TABLE refresh_tokens (
            digest TEXT PRIMARY KEY, family_id TEXT NOT NULL REFERENCES token_families(id), client_id TEXT NOT NULL,
            created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, used_at BIGINT
        )
        """,
        "CREATE INDEX refresh_tokens_family ON refresh_tokens(family_id)",
        "CREATE INDEX refresh_tokens_expires ON refresh_tokens(expires_at)",
        """
        CREATE TABLE access_tokens (
            digest TEXT PRIMARY KEY, family_id TEXT REFERENCES token_families(id), client_id TEXT NOT NULL, scope TEXT NOT NULL, audience TEXT NOT NULL,
            created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL
        )
        """,
        "CREATE INDEX access_tokens_expires ON access_tokens(expires_at)",
        "CREATE INDEX access_tokens_family ON access_tokens(family_id)",
        "CREATE TABLE revoked_tokens (jti TEXT PRIMARY KEY, expires_at BIGINT NOT NULL)",
        "CREATE INDEX revoked_tokens_expires ON revoked_tokens(expires_at)",
        """
        CREATE TABLE logout_deliveries (
            id TEXT PRIMARY KEY, session_id TEXT NOT NULL, account_sub TEXT NOT NULL, client_id TEXT NOT NULL, sid TEXT NOT NULL, uri TEXT NOT NULL,
            created_at BIGINT NOT NULL, next_try_at BIGINT, tries BIGINT NOT NULL, state TEXT NOT NULL, answered_at BIGINT, status BIGINT, problem TEXT
        )
        """,
        "CREATE INDEX logout_deliveries_next ON logout_deliveries(next_try_at)",
        "CREATE INDEX logout_deliveries_session ON logout_deliveries(session_id)",
    ]

    private static let records: [Statement] = [
        """
        CREATE TABLE audit_events (
            seq BIGINT PRIMARY KEY, at BIGINT NOT NULL, event TEXT NOT NULL, actor TEXT NOT NULL, subject TEXT, client_id TEXT,
            detail TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL
        )
        """,
        "CREATE TABLE audit_head (id BIGINT PRIMARY KEY, seq BIGINT NOT NULL, hash TEXT NOT NULL)",
        "INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '')",
        """
        CREATE TABLE loads (
            id TEXT PRIMARY KEY, file_name TEXT NOT NULL, file_digest TEXT NOT NULL, units_digest TEXT, applied_at BIGINT NOT NULL, actor TEXT NOT NULL,
            counts TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE load_findings (
            load_id TEXT NOT NULL REFERENCES loads(id), row_number BIGINT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL, pns_id TEXT,
            PRIMARY KEY (load_id, row_number, reason)
        )
        """,
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    ]
}
