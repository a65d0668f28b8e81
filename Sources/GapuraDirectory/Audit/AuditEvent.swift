/// The catalogue of what is written to the audit: each change of state has one event here.
package enum AuditEvent: String, Sendable, CaseIterable {
    case accountAdded = "account.added"
    case accountStateChanged = "account.state_changed"
    case accountRoleChanged = "account.role_changed"
    case accountUpdated = "account.updated"
    /// Another end date, or another who answers for it.
    case accountExtended = "account.extended"
    case linkIssued = "account.link_issued"
    /// Of many accounts at once: one row for all, and one for each.
    case activationCodesIssued = "activation.codes_issued"
    case activationCodeIssued = "activation.code_issued"
    case passwordSet = "account.password_set"
    /// A password of an old application may sign its owner in once.
    case legacyPasswordTaken = "account.legacy_password_taken"
    /// An old password was right and too weak to stay: its owner was led to set another one.
    case legacyPasswordWeak = "account.legacy_password_weak"
    case legacyImported = "legacy.imported"
    /// Somebody said whose a local account is.
    case legacyMatched = "legacy.matched"
    /// The old passwords of an application were thrown away.
    case legacyForgotten = "legacy.forgotten"
    case applicationAdded = "application.added"
    case applicationUpdated = "application.updated"
    case roleAdded = "role.added"
    /// Two roles that nobody may hold together.
    case rolesExcluded = "roles.excluded"
    case grantGiven = "grant.given"
    case grantEnded = "grant.ended"
    /// Given back with the undoing of the load that ended it.
    case grantRestored = "grant.restored"
    case clientAdded = "client.added"
    case clientUpdated = "client.updated"
    /// Somebody may register clients of an application by themselves, or may not any more.
    case registrationOpened = "registration.opened"
    case registrationClosed = "registration.closed"
    case clientSecretChanged = "client.secret_changed"
    case personnelLoaded = "personnel.loaded"
    /// A load that a second admin has to confirm was asked for.
    case personnelAsked = "personnel.asked"
    /// A load was taken back.
    case personnelUndone = "personnel.undone"
    /// A retirement or the suspension of a missing person acted on its day.
    case personnelActed = "personnel.acted"
    /// Another NIP or NI PPPK: the name to sign in with.
    case personRenumbered = "person.renumbered"
    case appointmentAdded = "appointment.added"
    /// Before its time.
    case appointmentEnded = "appointment.ended"
    /// By hand, over what posts say.
    case managerSet = "manager.set"
    case managerCleared = "manager.cleared"
    case unitDraftAdded = "unit_draft.added"
    case unitDraftCancelled = "unit_draft.cancelled"
    case unitDraftApplied = "unit_draft.applied"
    case sessionStarted = "session.started"
    case sessionRenewed = "session.renewed"
    case sessionEnded = "session.ended"
    case signInFailed = "sign_in.failed"
    /// So many devices that nobody knows failed in an hour that they wait from now on.
    case stuffingNoticed = "sign_in.stuffing_noticed"
    case requestRefused = "request.refused"
    /// Somebody allowed an application that is not the city's own to learn something.
    case consentGiven = "consent.given"
    case consentDenied = "consent.denied"
    case consentRevoked = "consent.revoked"
    /// A service got a token with which it asks another one for somebody.
    case tokensExchanged = "tokens.exchanged"
    /// Somebody allowed a device without a browser to act for them, or did not.
    case deviceAllowed = "device.allowed"
    case deviceDenied = "device.denied"
    case codeIssued = "code.issued"
    case tokensIssued = "tokens.issued"
    case tokensRefreshed = "tokens.refreshed"
    case tokensRevoked = "tokens.revoked"
    case codeReused = "code.reused"
    case refreshTokenReused = "refresh_token.reused"
    case keysMade = "keys.made"
    case keysRotated = "keys.rotated"
    case keysRevoked = "keys.revoked"
    /// NIKs came with a load; how many, and never which.
    case identitiesLoaded = "identities.loaded"
    /// All accounts were written into a file; how many.
    case accountsExported = "accounts.exported"
    /// Everything about a person was written into a file.
    case personExported = "person.exported"
    /// What identifies a person was removed.
    case personForgotten = "person.forgotten"
    /// Somebody looked up who has a NIK.
    case identityLookedUp = "identity.looked_up"
    case auditExported = "audit.exported"
    /// The beginning of this chain was removed, up to the place and hash that the row names.
    case auditPurged = "audit.purged"
    case backupWritten = "backup.written"
    case backupRestored = "backup.restored"
    case setUp = "gateway.set_up"
}

/// Who did it.
package enum Actor: Sendable, Equatable {
    /// Somebody at the command line of the server.
    case command(user: String)
    case account(String)
    case client(String)
    case system

    /// Nobody who could answer for a decision.
    package var isClient: Bool {
        if case .client = self { true } else { false }
    }

    /// Who it is as a person, for the rule that two must agree: a user of the system is the same on every host.
    package var person: String { Self.person(text) }

    /// The person behind the text of an actor.
    static func person(_ text: String) -> String {
        guard text.utf8.starts(with: "command:".utf8), let at = text.utf8.lastIndex(of: UInt8(ascii: "@")) else {
            return text
        }
        return String(text[..<at])
    }

    package var text: String {
        switch self {
        case .command(let user): "command:\(user)"
        case .account(let id): "account:\(id)"
        case .client(let id): "client:\(id)"
        case .system: "system"
        }
    }
}
