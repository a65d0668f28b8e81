import Foundation

/// Processor time and memory of a running process, as the kernel counts them.
struct ProcessFigures {
    let pid: Int32

    /// Nanoseconds on a processor since the start, by the name of the thread.
    ///
    /// From `schedstat`, which counts nanoseconds; `stat` counts hundredths of a second.
    func processorTime() throws -> ThreadTimes {
        let folder = "/proc/\(pid)/task"
        var times = ThreadTimes()
        for thread in try FileManager.default.contentsOfDirectory(atPath: folder) {
            let name = Files.text("\(folder)/\(thread)/comm").trimmingCharacters(in: .whitespacesAndNewlines)
            let nanoseconds =
                Files.text("\(folder)/\(thread)/schedstat").split(separator: " ").first.flatMap { Double($0) } ?? 0
            times.byName[name, default: 0] += nanoseconds
        }
        return times
    }

    /// MB (of 1,000,000 bytes) of resident memory.
    func residentMegabytes() -> Double { megabytes("VmRSS:") }

    /// The most there ever was.
    func peakMegabytes() -> Double { megabytes("VmHWM:") }

    private func megabytes(_ key: String) -> Double {
        let line = Files.text("/proc/\(pid)/status").split(separator: "\n").first { $0.hasPrefix(key) }
        let kibibytes =
            line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Double($0) } ?? 0
        return kibibytes * 1024 / 1e6
    }
}

struct ThreadTimes {
    var byName: [String: Double] = [:]

    /// Microseconds of all threads whose name does not begin so.
    func microseconds(without prefix: String? = nil) -> Double {
        byName.filter { name, _ in prefix.map { !name.hasPrefix($0) } ?? true }.values.reduce(0, +) / 1000
    }
}

/// Processor time of this thread.
enum ThreadClock {
    static func microseconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

extension [Double] {
    /// The value in the middle; of rounds, it hides the one that something else disturbed.
    var median: Double {
        let sorted = sorted()
        return isEmpty ? 0 : sorted[count / 2]
    }
}
