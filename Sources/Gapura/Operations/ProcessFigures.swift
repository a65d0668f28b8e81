import GapuraFormats

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What `/metrics` says about the process itself, under the names that Prometheus' own clients use.
struct ProcessFigures: Sendable {
    private let start = Timestamp.now()

    func text() -> String {
        var lines = [
            "# TYPE process_start_time_seconds gauge", "process_start_time_seconds \(start.seconds)",
        ]
        var usage = rusage()
        #if canImport(Glibc)
            let who = RUSAGE_SELF.rawValue
        #else
            let who = RUSAGE_SELF
        #endif
        if getrusage(.init(who), &usage) == 0 {
            let seconds = Int64(usage.ru_utime.tv_sec) + Int64(usage.ru_stime.tv_sec)
            let microseconds = seconds * 1_000_000 + Int64(usage.ru_utime.tv_usec) + Int64(usage.ru_stime.tv_usec)
            lines += [
                "# TYPE process_cpu_seconds_total counter", "process_cpu_seconds_total \(Double(microseconds) / 1e6)",
            ]
        }
        if let pages = Self.residentPages() {
            let bytes = pages * Int64(sysconf(Int32(_SC_PAGESIZE)))
            lines += ["# TYPE process_resident_memory_bytes gauge", "process_resident_memory_bytes \(bytes)"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The second number of `/proc/self/statm`; nil where there is no such file.
    private static func residentPages() -> Int64? {
        let descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = read(descriptor, &bytes, bytes.count)
        let words = bytes.prefix(max(0, count)).split(separator: 0x20)
        guard words.count > 1 else { return nil }
        return Int64(String(decoding: words[1], as: UTF8.self))
    }
}
