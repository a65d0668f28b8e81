#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A moment: milliseconds since 1970-01-01T00:00:00Z. Arithmetic saturates, so no foreign number can trap it.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Milliseconds since 1970, UTC.
    public let milliseconds: Int64

    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// From whole seconds, the unit of JWT's `NumericDate`.
    public init(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        milliseconds = overflow ? (seconds < 0 ? .min : .max) : product
    }

    /// The machine's clock. Everything that decides takes its moment as a parameter instead, see `WallClock`.
    public static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// Whole seconds since 1970, rounded down.
    public var seconds: Int64 {
        // No subtraction before the division: the least number of all must not trap.
        milliseconds / 1000 - (milliseconds % 1000 < 0 ? 1 : 0)
    }

    public func adding(milliseconds more: Int64) -> Timestamp {
        let (sum, overflow) = milliseconds.addingReportingOverflow(more)
        return Timestamp(milliseconds: overflow ? (more < 0 ? .min : .max) : sum)
    }

    public func adding(seconds more: Int64) -> Timestamp {
        adding(milliseconds: Timestamp(seconds: more).milliseconds)
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }
}

/// Where the time comes from; tests hand in one that they turn themselves.
public struct WallClock: Sendable {
    private let read: @Sendable () -> Timestamp

    public init(_ read: @escaping @Sendable () -> Timestamp) {
        self.read = read
    }

    /// The machine's clock.
    public static let system = WallClock { .now() }

    public var now: Timestamp { read() }
}
