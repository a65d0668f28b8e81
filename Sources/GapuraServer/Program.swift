import ArgumentParser

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The program `gapura`: wiring only. Each command is one file in `Commands/`.
struct GapuraCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gapura",
        abstract: "One sign-in for a government: the gateway and the commands that administer it.",
        discussion: """
            A first start:
              gapura setup
              gapura serve

            Commands work while the gateway runs (they reach it through a socket in the data folder) and while it does not.
            Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 not found, 4 unavailable (try again later).
            """,
        subcommands: [
            ServeCommand.self, SetUpCommand.self, AccountCommand.self, ApplicationCommand.self, ClientCommand.self,
            RoleCommand.self, GrantCommand.self,
            PersonnelCommand.self, PersonCommand.self, ConsentCommand.self, RegistrationCommand.self,
            AppointmentCommand.self, ManagerCommand.self, UnitCommand.self,
            LegacyCommand.self,
            KeysCommand.self, TokenCommand.self, AuditCommand.self, LogoutCommand.self, BackupCommand.self,
            RestoreCommand.self,
            DoctorCommand.self, SettingsCommand.self, APICommand.self,
        ]
    )
}

@main
enum Program {
    static func main() async {
        // Whatever this process writes, sockets and backups too, is for its owner only.
        umask(0o077)
        do {
            var command = try GapuraCommand.parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            leave(with: 0)
        } catch {
            leave(with: Failure.report(error))
        }
    }

    /// Ends the process without the C libraries' own clean-up, which would take memory from under threads that still
    /// wait in them (a connection of libpq, a hash): everything that has to be closed was closed by the command.
    private static func leave(with code: Int32) -> Never {
        fflush(nil)
        _exit(code)
    }
}
