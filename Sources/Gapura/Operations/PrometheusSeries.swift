import Metrics
import Synchronization

/// One line, or one histogram, of `/metrics`.
protocol PrometheusSeries: AnyObject, Sendable {
    func print(_ name: String, _ labels: String, into lines: inout [String])
}

extension PrometheusSeries {
    static func line(_ name: String, _ labels: String, _ value: String) -> String {
        labels.isEmpty ? "\(name) \(value)" : "\(name){\(labels)} \(value)"
    }
}

/// A number that only grows.
final class PrometheusCounter: CounterHandler, PrometheusSeries {
    private let value = Atomic<Int64>(0)

    func increment(by amount: Int64) {
        value.wrappingAdd(amount, ordering: .relaxed)
    }

    func reset() {
        value.store(0, ordering: .relaxed)
    }

    func print(_ name: String, _ labels: String, into lines: inout [String]) {
        lines.append(Self.line(name, labels, String(value.load(ordering: .relaxed))))
    }
}

/// A number that goes up and down.
final class PrometheusGauge: MeterHandler, RecorderHandler, FloatingPointCounterHandler, PrometheusSeries {
    private let value = Mutex<Double>(0)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func reset() { set(0.0) }

    func print(_ name: String, _ labels: String, into lines: inout [String]) {
        lines.append(Self.line(name, labels, prometheusText(value.withLock { $0 })))
    }
}

/// A distribution over fixed bounds.
final class PrometheusHistogram: TimerHandler, RecorderHandler, PrometheusSeries {
    /// From a cached answer to a hash in a full queue.
    static let seconds: [Double] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    static let sizes: [Double] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000]

    private struct State {
        /// One more than the bounds: the last is for what is beyond.
        var counts: [Int64]
        var sum: Double = 0
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    init(_ bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    func recordNanoseconds(_ duration: Int64) {
        record(Double(max(0, duration)) / 1e9)
    }

    func record(_ value: Int64) {
        record(Double(value))
    }

    func record(_ value: Double) {
        var position = 0
        while position < bounds.count, value > bounds[position] {
            position += 1
        }
        state.withLock { state in
            state.counts[position] &+= 1
            state.sum += value
        }
    }

    func print(_ name: String, _ labels: String, into lines: inout [String]) {
        let (counts, sum) = state.withLock { ($0.counts, $0.sum) }
        var total: Int64 = 0
        for (position, count) in counts.enumerated() {
            total &+= count
            let bound = position < bounds.count ? prometheusText(bounds[position]) : "+Inf"
            let prefix = labels.isEmpty ? "" : labels + ","
            lines.append("\(name)_bucket{\(prefix)le=\"\(bound)\"} \(total)")
        }
        lines.append(Self.line(name + "_sum", labels, prometheusText(sum)))
        lines.append(Self.line(name + "_count", labels, String(total)))
    }
}

/// Whole numbers without `.0`, as Prometheus' own clients write them.
private func prometheusText(_ value: Double) -> String {
    if let whole = Int64(exactly: value) { return String(whole) }
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return String(value)
}
