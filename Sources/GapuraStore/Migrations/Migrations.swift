/// Every change of the schema, in order. A new one is a file beside this and one line here; one that has been released
/// is never edited.
package enum Migrations {
    package static let all: [Migration] = [
        .foundation,
        .loads,
        .appointments,
        .grants,
        .legacy,
        .flows,
        .activation,
        .privacy,
        .administration,
        .provisioning,
        .authorization,
        .consents,
        .registrations,
        .logos,
        .targets,
        .deviceRequests,
        .openRequests,
        .logoutLedger,
    ]
}
