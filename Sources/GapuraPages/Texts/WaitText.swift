/// How long somebody has to wait, in words.
enum WaitText {
    /// Seconds below a minute, else minutes rounded up: never a time after which one would be refused again.
    static func text(_ seconds: Int, _ texts: Texts) -> String {
        let seconds = max(1, seconds)
        let (unit, number) = seconds < 60 ? ("second", seconds) : ("minute", seconds / 60 + (seconds % 60 == 0 ? 0 : 1))
        return number == 1 ? texts("\(unit)-one") : texts("\(unit)-other", ["n": String(number)])
    }
}
