package import GapuraFormats
package import GapuraStore

/// Local accounts of old applications that wait for a person to say whose they are.
package struct LegacyQueue {
    /// Somebody who may be the owner, and what speaks for it.
    package struct Candidate: Sendable, Equatable {
        package enum Ground: String, Sendable {
            /// The user name is an NIP of 18 digits.
            case userNameIsNIP = "user_name_is_nip"
            /// The last nine digits of the NIP.
            case lastNineDigits = "last_nine_digits"
            case email
            /// The same user name here.
            case userName = "user_name"
        }

        package let account: AccountID
        package let ground: Ground
    }

    private let tx: Transaction

    package init(_ tx: Transaction) {
        self.tx = tx
    }

    /// What waits, of one application or of all, each with its candidates. None of them is taken as the owner: whoever
    /// chose a user name or an email in an old application may have chosen somebody else's.
    package func list(
        of application: ApplicationID?, limit: Int64
    ) throws -> [(local: LegacyAccount, candidates: [Candidate])] {
        let waiting = try tx.legacy.listQueue(of: application, limit: limit)
        guard !waiting.isEmpty else { return [] }
        let people = try peopleByLastNine(waiting)
        let accounts = try accountsByEmail(waiting)
        return try waiting.map { local in
            var candidates: [Candidate] = []
            func add(_ account: AccountID?, _ ground: Candidate.Ground) {
                guard let account, !candidates.contains(where: { $0.account == account }) else { return }
                candidates.append(Candidate(account: account, ground: ground))
            }
            if let name = local.userName, Self.isNumber(name, 18) {
                for alias in try tx.people.aliases(withNumber: name) {
                    add(try tx.accounts.find(personID: alias.personID)?.id, .userNameIsNIP)
                }
            }
            for key in Self.lastNine(of: local) {
                for person in people[key] ?? [] {
                    add(try tx.accounts.find(personID: person)?.id, .lastNineDigits)
                }
            }
            if let email = local.email {
                for account in accounts[ExactText(nameKey(email))] ?? [] { add(account, .email) }
            }
            if let name = local.userName, SignInName.isUserName(name) {
                add(try tx.accounts.find(userName: name)?.id, .userName)
            }
            return (local, Array(candidates.prefix(10)))
        }
    }

    private func peopleByLastNine(_ waiting: [LegacyAccount]) throws -> [String: [PersonID]] {
        let wanted = Set(waiting.flatMap(Self.lastNine))
        guard !wanted.isEmpty else { return [:] }
        var people: [String: [PersonID]] = [:]
        try tx.people.eachNumber { alias in
            let key = String(alias.value.suffix(9))
            if wanted.contains(key) { people[key, default: []].append(alias.personID) }
        }
        return people
    }

    private func accountsByEmail(_ waiting: [LegacyAccount]) throws -> [ExactText: [AccountID]] {
        let wanted = Set(waiting.compactMap { $0.email.map { ExactText(nameKey($0)) } })
        guard !wanted.isEmpty else { return [:] }
        var people: [PersonID: ExactText] = [:]
        try tx.people.each { person in
            guard let email = person.email.map({ ExactText(nameKey($0)) }), wanted.contains(email) else { return }
            people[person.id] = email
        }
        var accounts: [ExactText: [AccountID]] = [:]
        try tx.accounts.each { account in
            let own = account.email.map { ExactText(nameKey($0)) }
            if let own, wanted.contains(own) { accounts[own, default: []].append(account.id) }
            if let key = account.personID.flatMap({ people[$0] }), key != own {
                accounts[key, default: []].append(account.id)
            }
        }
        return accounts
    }

    /// Nine digits that may be the end of an NIP: of a user name, and of a number that is too short or too long.
    private static func lastNine(of local: LegacyAccount) -> [String] {
        var keys: [String] = []
        if let name = local.userName, isNumber(name, 9) { keys.append(name) }
        if let nip = local.nip {
            let digits = nip.utf8.filter { (0x30...0x39).contains($0) }
            if digits.count >= 9 { keys.append(String(decoding: digits.suffix(9), as: UTF8.self)) }
        }
        return keys
    }

    private static func isNumber(_ text: String, _ count: Int) -> Bool {
        text.utf8.count == count && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
}
