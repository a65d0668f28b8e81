/// A browser's `User-Agent` in words a person knows: "Chrome di Android". A guess for people to recognise their own
/// devices; nothing is decided by it.
enum DeviceText {
    static func text(_ userAgent: String?, _ texts: Texts) -> String {
        guard let agent = userAgent?.forDisplay, agent.unicodeScalars.contains(where: { $0 != " " }) else {
            return texts("device-unknown")
        }
        let browser = first(in: agent, of: browsers)
        let system = first(in: agent, of: systems)
        switch (browser, system) {
        case (let browser?, let system?): return texts("device-on", ["browser": browser, "system": system])
        case (let one?, nil), (nil, let one?): return one
        case (nil, nil): return agent.forDisplay(limit: 60)
        }
    }

    private static func first(in agent: String, of marks: [(mark: String, name: String)]) -> String? {
        marks.first { agent.contains($0.mark) }?.name
    }

    /// Order matters: almost every browser also calls itself Chrome and Safari.
    private static let browsers = [
        ("EdgA/", "Edge"), ("Edg/", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"),
        ("UCBrowser/", "UC Browser"),
        ("FxiOS/", "Firefox"), ("Firefox/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]
    private static let systems = [
        ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "Mac"),
        ("CrOS", "Chromebook"),
        ("Linux", "Linux"),
    ]
}
