import Foundation
import Hummingbird

/// The program: `e-kinerja --port 8083`, everything else from environment variables (see `Settings`).
@main
struct EKinerja {
    static func main() async {
        do {
            let settings = try Settings(
                arguments: CommandLine.arguments, environment: ProcessInfo.processInfo.environment)
            try await application(settings).runService()
        } catch let problem as Problem {
            FileHandle.standardError.write(Data("e-kinerja: \(problem.reason)\n".utf8))
            exit(78)
        } catch {
            FileHandle.standardError.write(Data("e-kinerja: \(error)\n".utf8))
            exit(1)
        }
    }

    /// Wiring only.
    static func application(_ settings: Settings) -> some ApplicationProtocol {
        let gateway = Gateway(settings: settings)
        let router = Router(context: BasicRequestContext.self)
        router.add(middleware: PageHeaders(issuer: settings.issuer))
        router.add(middleware: ProblemPages())
        Routes(settings: settings, gateway: gateway, sessions: Sessions()).add(to: router)
        return Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: settings.port), serverName: nil)
        )
    }
}
