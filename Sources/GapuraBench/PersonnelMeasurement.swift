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
        let many = "\(city.folder)/many.xlsx"
        try ChildProcess.run(
            "/usr/bin/env", ["python3", "\(root)/Sources/GapuraBench/Python/many_people.py", export, many, "10"])
        let (previewMany, applyMany) = try load(many, into: "large")
        for (what, ten, hundred) in [("read and compare", preview, previewMany), ("apply", apply, applyMany)] {
            let seconds = (hundred * 10).rounded() / 10
            report.add(
                Line("personnel, 100,000 rows: \(what)", hundred / ten, "times", .atMost(11), ceiling: "\(seconds) s"))
        }
    }

    private func load(_ file: String, into data: String) throws -> (preview: Double, apply: Double) {
        try city.command("setup", data: data)
        let preview = try city.command("personnel", "load", file, "--units", units, data: data)
        let apply = try city.command("personnel", "load", file, "--units", units, "--apply", data: data)
        return (preview.seconds, apply.seconds)
    }
}
