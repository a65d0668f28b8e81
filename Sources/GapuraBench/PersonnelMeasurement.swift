import Foundation

/// Loads of personnel data: the sample city, and a hundred thousand people of the same shape.
struct PersonnelMeasurement {
    let city: CityUnderTest
    let root: String

    private var units: String { "\(root)/examples/kota-contoh/ref-unor-2026-09.csv" }
    private var export: String { "\(root)/examples/kota-contoh/siasn-2026-09.xlsx" }

    /// Fills the city, whether or not it is measured.
    /// - Parameter large: also the hundred thousand, in a city beside it.
    func setUp(_ report: Report, large: Bool) throws {
        let (preview, apply) = try load(export, into: "data")
        report.add(
            Line("personnel, 10,000 rows: read and compare", preview, "s", .atMost(5), ceiling: "XLSX, whole command"))
        report.add(
            Line("personnel, 10,000 rows: apply", apply, "s", .atMost(10), ceiling: "whole command, reading it again"))
        guard large else { return }
        try month(report)
        let many = "\(city.folder)/many.xlsx"
        try ChildProcess.run(
            "/usr/bin/env", ["python3", "\(root)/Sources/GapuraBench/Python/many_people.py", export, many, "10"])
        let (previewMany, applyMany) = try load(many, into: "large")
        try month(many, report)
        for (what, ten, hundred) in [("read and compare", preview, previewMany), ("apply", apply, applyMany)] {
            let seconds = (hundred * 10).rounded() / 10
            report.add(
                Line("personnel, 100,000 rows: \(what)", hundred / ten, "times", .atMost(11), ceiling: "\(seconds) s"))
        }
    }

    /// A month with 2,000 changes, in a city beside: what applying takes beyond reading and comparing is the most that
    /// the writer can be held.
    private func month(_ report: Report) throws {
        let next = "\(city.folder)/next.xlsx"
        try ChildProcess.run(
            "/usr/bin/env", ["python3", "\(root)/Sources/GapuraBench/Python/next_month.py", export, next, "2000"])
        _ = try load(export, into: "month")
        let preview = try city.command("personnel", "load", next, data: "month")
        let apply = try city.command("personnel", "load", next, "--apply", data: "month")
        report.add(
            Line(
                "personnel, 2,000 changes: apply beyond its preview", (apply.seconds - preview.seconds) * 1000, "ms",
                .atMost(250), ceiling: "hashing the file again, and writing"))
    }

    /// A month of a hundred thousand people who are known: how long, and in how much memory.
    private func month(_ file: String, _ report: Report) throws {
        let script =
            "import resource,subprocess,sys;subprocess.run(sys.argv[1:],check=True,stdout=subprocess.DEVNULL);"
            + "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        let outcome = try ChildProcess.run(
            "/usr/bin/env", ["python3", "-c", script, city.program, "personnel", "load", file, "--units", units],
            environment: city.environment(data: "large"))
        let kilobytes = outcome.text.filter(\.isNumber)
        report.add(
            Line("personnel, a month of 100,000: preview", outcome.seconds, "s", .atMost(15), ceiling: "XLSX"))
        report.add(
            Line(
                "personnel, a month of 100,000: memory of the preview", (Double(kilobytes) ?? 0) / 1024, "MB",
                .atMost(300)))
    }

    private func load(_ file: String, into data: String) throws -> (preview: Double, apply: Double) {
        try city.command("setup", data: data)
        let preview = try city.command("personnel", "load", file, "--units", units, data: data)
        let apply = try city.command("personnel", "load", file, "--units", units, "--apply", data: data)
        return (preview.seconds, apply.seconds)
    }
}
