package import GapuraFormats
import Synchronization

/// A clock that stands still until a test turns it. It begins on Wednesday, 25 November 2026, 00:30 UTC: 07:30 in
/// Jakarta.
package final class TestClock: Sendable {
    private let moment = Mutex(Timestamp(seconds: 1_795_566_600))

    package init() {}

    package var now: Timestamp { moment.withLock { $0 } }
    package var wall: WallClock { WallClock { self.now } }

    package func advance(seconds: Int64) {
        moment.withLock { $0 = $0.adding(seconds: seconds) }
    }
}
