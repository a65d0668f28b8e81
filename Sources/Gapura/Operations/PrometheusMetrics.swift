package import Metrics
import Synchronization

/// The backend of swift-metrics that `/metrics` prints, in Prometheus' text format 0.0.4.
///
/// Labels are words of the program's own: a route pattern, a status class, a state. Never an id, a client, an address
/// or anything that a person typed (attacks 304 and 307). Should somebody break that rule, the number of series stays
/// bounded: what is too much is counted under `other`.
package final class PrometheusMetrics: MetricsFactory {
    /// Series of one metric.
    static let seriesLimit = 500

    private enum Kind: String {
        case counter, gauge, histogram
    }

    private struct Family {
        let kind: Kind
        var series: [String: any PrometheusSeries] = [:]
    }

    private let families = Mutex<[String: Family]>([:])

    package init() {}

    // MARK: What swift-metrics asks for

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(Self.total(label), .counter, dimensions) { PrometheusCounter() }
    }

    package func makeFloatingPointCounter(label: String, dimensions: [(String, String)])
        -> any FloatingPointCounterHandler
    {
        series(Self.total(label), .counter, dimensions) { PrometheusGauge() }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(Self.name(label), .gauge, dimensions) { PrometheusGauge() }
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate {
            return series(Self.name(label), .histogram, dimensions) { PrometheusHistogram(PrometheusHistogram.sizes) }
        }
        return series(Self.name(label), .gauge, dimensions) { PrometheusGauge() }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let name = Self.name(label)
        return series(name.hasSuffix("_seconds") ? name : name + "_seconds", .histogram, dimensions) {
            PrometheusHistogram(PrometheusHistogram.seconds)
        }
    }

    // Series are few and stay: a counter that vanishes and comes back breaks every rate over it.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    // MARK: Text

    /// All series, sorted by name.
    package func text() -> String {
        let families = families.withLock { $0 }
        var lines: [String] = []
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            lines.append("# TYPE \(name) \(family.kind.rawValue)")
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                series.print(name, labels, into: &lines)
            }
        }
        lines.append("")
        return lines.joined(separator: "\n")
    }

    // MARK: Registry

    /// The series of a name and labels; made once. A name that is in use for another kind gives a series that is not
    /// printed, never a trap.
    private func series<Series: PrometheusSeries>(
        _ name: String, _ kind: Kind, _ dimensions: [(String, String)], _ make: () -> Series
    ) -> Series {
        families.withLock { families in
            var family = families[name] ?? Family(kind: kind)
            guard family.kind == kind else { return make() }
            var labels = Self.labels(dimensions)
            if family.series[labels] == nil, family.series.count >= Self.seriesLimit {
                labels = Self.labels(dimensions.map { ($0.0, "other") })
            }
            if let known = family.series[labels] { return known as? Series ?? make() }
            let made = make()
            family.series[labels] = made
            families[name] = family
            return made
        }
    }

    private static func total(_ label: String) -> String {
        let name = name(label)
        return name.hasSuffix("_total") ? name : name + "_total"
    }

    /// Letters, digits and `_`; everything else becomes `_`.
    private static func name(_ label: String) -> String {
        var bytes = label.utf8.prefix(120).map { isNameByte($0) ? $0 : UInt8(ascii: "_") }
        if bytes.first.map({ (0x30...0x39).contains($0) }) ?? true { bytes.insert(UInt8(ascii: "_"), at: 0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
            || byte == UInt8(ascii: "_")
    }

    /// `a="b",c="d"`, escaped and cut to a sane length.
    private static func labels(_ dimensions: [(String, String)]) -> String {
        dimensions.sorted { $0.0 < $1.0 }.map { label, value in
            var escaped: [UInt8] = []
            for byte in value.utf8.prefix(128) {
                switch byte {
                case UInt8(ascii: "\\"): escaped += "\\\\".utf8
                case UInt8(ascii: "\""): escaped += "\\\"".utf8
                case 0x0a: escaped += "\\n".utf8
                default: escaped.append(byte)
                }
            }
            return "\(name(label))=\"\(String(decoding: escaped, as: UTF8.self))\""
        }.joined(separator: ",")
    }
}
