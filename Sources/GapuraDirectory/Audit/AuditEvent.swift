/// The catalogue of what is written to the audit: each change of state has one event here.
package enum AuditEvent: String, Sendable, CaseIterable {
    case accountAdded = "account.added"
    case accountStateChanged = "account.state_changed"
    case accountRoleChanged = "account.role_changed"
    case accountUpdated = "account.updated"
    case linkIssued = "account.link_issued"
    case passwordSet = "account.password_set"
    case applicationAdded = "application.added"
    case applicationUpdated = "application.updated"
    case clientAdded = "client.added"
    case clientUpdated = "client.updated"
    case clientSecretChanged = "client.secret_changed"
    case personnelLoaded = "personnel.loaded"
    /// Another NIP or NI PPPK: the name to sign in with.
    case personRenumbered = "person.renumbered"
    case sessionStarted = "session.started"
    case sessionRenewed = "session.renewed"
    case sessionEnded = "session.ended"
    case signInFailed = "sign_in.failed"
    /// So many devices that nobody knows failed in an hour that they wait from now on.
    case stuffingNoticed = "sign_in.stuffing_noticed"
    case requestRefused = "request.refused"
    case codeIssued = "code.issued"
    case tokensIssued = "tokens.issued"
    case tokensRefreshed = "tokens.refreshed"
    case tokensRevoked = "tokens.revoked"
    case codeReused = "code.reused"
    case refreshTokenReused = "refresh_token.reused"
    case keysMade = "keys.made"
    case keysRotated = "keys.rotated"
    case keysRevoked = "keys.revoked"
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

    package var text: String {
        switch self {
        case .command(let user): "command:\(user)"
        case .account(let id): "account:\(id)"
        case .client(let id): "client:\(id)"
        case .system: "system"
        }
    }
}
