import Foundation

/// From the start of the program to its first answer, and what it holds then.
struct StartMeasurement {
    let city: CityUnderTest

    /// - Returns: the gateway, running.
    func run(_ report: Report) throws -> ChildServer {
        // Twice, as a restart finds the files in memory.
        try city.start().stop()
        let gateway = try city.start()
        report.add(
            Line(
                "start to first answer", gateway.secondsToFirstAnswer, "s", .atMost(1),
                ceiling: "OpenID metadata, 10,000 people"))
        sleep(3)
        report.add(
            Line(
                "memory after a restart", gateway.figures.residentMegabytes(), "MB", .atMost(64),
                ceiling: "resident, 10,000 people, SQLite"))
        return gateway
    }
}
