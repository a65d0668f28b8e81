import ArgumentParser
import Foundation

/// One measured figure, its mark, and the ceiling that was measured beside it.
struct Line {
    enum Mark {
        case atLeast(Double)
        case atMost(Double)
        /// For information.
        case none
    }

    let what: String
    let measured: Double
    let unit: String
    let mark: Mark
    /// What the figure stands against: the bare loop, the bare route, the sum.
    let ceiling: String

    init(_ what: String, _ measured: Double, _ unit: String, _ mark: Mark = .none, ceiling: String = "") {
        self.what = what
        self.measured = measured
        self.unit = unit
        self.mark = mark
        self.ceiling = ceiling
    }

    var holds: Bool? {
        switch mark {
        case .atLeast(let least): measured >= least
        case .atMost(let most): measured <= most
        case .none: nil
        }
    }
}

/// Prints lines as they are measured, and counts those that miss.
final class Report {
    private var missed = 0
    private var held = 0

    func machine() {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let model =
            Files.text("/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }?.split(
                separator: ":"
            ).last ?? "?"
        let kernel = Files.text("/proc/sys/kernel/osrelease").trimmingCharacters(in: .whitespacesAndNewlines)
        write("\(cores) cores,\(model), kernel \(kernel), load \(load) at the start")
        row("", "what", "measured", "mark", "beside it")
    }

    func add(_ line: Line) {
        let mark =
            switch line.mark {
            case .atLeast(let least): "≥ \(number(least)) \(line.unit)"
            case .atMost(let most): "≤ \(number(most)) \(line.unit)"
            case .none: ""
            }
        if let holds = line.holds { holds ? (held += 1) : (missed += 1) }
        row(
            line.holds.map { $0 ? "PASS" : "MISS" } ?? "    ", line.what, "\(number(line.measured)) \(line.unit)", mark,
            line.ceiling)
    }

    /// - Throws: `ExitCode` 1 if a line missed.
    func finish() throws {
        write("\(held) of \(held + missed) lines hold; load \(load) at the end.")
        if missed > 0 { throw ExitCode(1) }
    }

    /// Of the last minute, on all cores: above their number, the figures are of a busy machine.
    private var load: String {
        Files.text("/proc/loadavg").split(separator: " ").first.map(String.init) ?? "?"
    }

    private func row(_ verdict: String, _ cells: String...) {
        var text = padded(verdict, 6)
        for (cell, width) in zip(cells, [44, 15, 17, 0]) { text += padded(cell, width) }
        write(text)
    }

    /// At once, also into a pipe, where `print` would keep it.
    private func write(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(text.isEmpty ? 0 : 1, width - text.count))
    }

    /// Three digits that count.
    private func number(_ value: Double) -> String {
        let digits = value >= 100 || value == value.rounded() ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3
        return String(format: "%.\(digits)f", value)
    }
}

/// A measurement that could not be made.
struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Small files of `/proc` and our own.
enum Files {
    static func makeEmpty(_ path: String) throws {
        try Data().write(to: URL(fileURLWithPath: path))
    }

    /// Empty if it cannot be read.
    static func text(_ path: String) -> String {
        (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""  // a thread may be gone by now
    }
}
