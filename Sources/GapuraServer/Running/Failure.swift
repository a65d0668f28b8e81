import ArgumentParser
import Gapura
import GapuraTokens

/// How a command ends that did not do what was asked: one line in each language on the standard error, and an exit
/// code.
enum Failure {
    static let refused: Int32 = 1
    static let usage: Int32 = 2
    static let notFound: Int32 = 3
    static let unavailable: Int32 = 4

    /// Prints what has to be said and gives the exit code.
    static func report(_ error: any Error) -> Int32 {
        switch error {
        case let error as SettingsError:
            print(error.description, error.indonesian)
            return refused
        case is ExitCode, is CleanExit, is ValidationError:
            return parserExit(error)
        case let error where isOfParser(error):
            return parserExit(error)
        default:
            let error = OperationError(error)
            print(error.description, error.indonesian)
            return code(error)
        }
    }

    static func code(_ error: OperationError) -> Int32 {
        switch error.code {
        case .notFound: notFound
        case .unavailable: unavailable
        case .invalid, .conflict, .refused, .forbidden, .failed: refused
        }
    }

    private static func print(_ english: String, _ indonesian: String) {
        Console.error("Galat: \(TerminalText.plain(indonesian))")
        Console.error("Error: \(TerminalText.plain(english))")
    }

    /// The parser's errors have no public type; their exit code tells them.
    private static func isOfParser(_ error: any Error) -> Bool {
        "\(type(of: error))" == "CommandError" || "\(type(of: error))" == "ParserError"
    }

    private static func parserExit(_ error: any Error) -> Int32 {
        let code = GapuraCommand.exitCode(for: error)
        let text = GapuraCommand.fullMessage(for: error)
        if code == .success {
            Console.line(text)
            return 0
        }
        if !text.isEmpty { Console.error(text) }
        return code == .validationFailure ? usage : code.rawValue
    }
}
