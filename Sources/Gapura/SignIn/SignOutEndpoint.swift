import GapuraDirectory
import GapuraStore
package import Hummingbird

/// `/keluar`: a page that asks, a post that ends the session everywhere, and a page that says so.
package struct SignOutEndpoint: Sendable {
    private let store: Store
    private let answers: PageAnswers
    private let doorbell: LogoutDoorbell
    private let frontChannel: FrontChannelLogout

    package init(_ services: Services, clients: ClientReader, doorbell: LogoutDoorbell) {
        frontChannel = FrontChannelLogout(services, clients: clients)
        store = services.store
        answers = PageAnswers(services)
        self.doorbell = doorbell
    }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.get("/keluar") { request, context in
            guard let signedIn = try await answers.browser.signedIn(request, context) else {
                return answers.redirect(to: "/keluar/selesai")
            }
            let name = try await store.read { tx in
                try signedIn.account.personID.flatMap { try tx.people.find($0)?.fullName }
                    ?? signedIn.account.displayName
            }
            return try answers.page(
                .signOut(SignOutModel(action: "/keluar", fields: [], applicationName: nil)), for: request,
                signedInName: name
            )
        }
        router.post("/keluar") { request, context in
            let form = try await RequestParameters(form: request)
            try answers.browser.checkForm(form, request)
            guard let signedIn = try await answers.browser.signedIn(request, context) else {
                return try frontChannel.leave(to: "/keluar/selesai", [], for: request)
            }
            let (now, frontChannel) = (context.now, frontChannel)
            let frames = try await store.write { tx in
                let frames = try frontChannel.frames(of: signedIn.session.id, in: tx)
                try SessionEnding.end(
                    signedIn.session.id, of: signedIn.account, reason: .signedOut,
                    by: .account(signedIn.account.id.text), in: tx, at: now
                )
                return frames
            }
            doorbell.ring()
            return try frontChannel.leave(to: "/keluar/selesai", frames, for: request)
        }
        router.get("/keluar/selesai") { request, _ in
            try answers.page(.notice(NoticeModel(kind: .signedOut, next: "/masuk")), for: request)
        }
    }
}
