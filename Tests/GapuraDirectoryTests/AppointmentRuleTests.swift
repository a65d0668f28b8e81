import Foundation
import GapuraFormats
import GapuraStore
import GapuraTabular
import Testing

@testable import GapuraDirectory

/// The rules about letters of appointment, one by one.
@Suite("Appointments: rules")
struct AppointmentRuleTests {
    static let calendar = CityCalendar(timeZone: "Asia/Jakarta")
    static let now = PersonnelTestCity.now

    /// The test city, with its first two people known by number.
    struct World {
        let store: Store
        let nips: [String]
        let pnsIDs: [String]

        init() async throws {
            let city = PersonnelTestCity(people: 12, agencies: 2)
            store = try await city.loaded().store
            nips = city.people.compactMap { $0["nip_baru"].map { String($0.dropFirst()) } }
            pnsIDs = city.people.compactMap { $0["pns_id"] }
        }

        func request(
            _ person: Int = 0, kind: String? = "PLT", unit: String? = "A0", post: String? = "Kepala Dinas 0",
            _ from: String? = "01-09-2026", _ to: String? = "30-11-2026", letter: String? = "800/1"
        ) -> AppointmentRequest {
            AppointmentRequest(
                kind: kind, pnsID: pnsIDs[person], nip: nips[person], unitSourceID: unit, postName: post,
                start: WrittenDay(from), end: WrittenDay(to), letterNumber: letter)
        }

        func request(_ from: String?, _ to: String?, letter: String? = "800/1") -> AppointmentRequest {
            request(0, from, to, letter: letter)
        }

        @discardableResult
        func add(_ requests: AppointmentRequest...) async throws -> [AppointmentOutcome] {
            try await store.write { tx throws in
                try AppointmentDirectory(tx, calendar: calendar, by: .system, at: now).add(requests)
            }
        }
    }

    func reason(_ outcome: AppointmentOutcome?) -> AppointmentReason? {
        if case .refused(let reason, _)? = outcome?.verdict { reason } else { nil }
    }

    @Test("a good letter holds from the first moment of its first day to the end of its last, in the city's zone")
    func days() async throws {
        let world = try await World()
        let outcome = try #require(try await world.add(world.request()).first)
        guard case .new(let appointment) = outcome.verdict else { throw StoreError(.other, "\(outcome)") }
        #expect(outcome.warnings.isEmpty)
        // 1 September in Jakarta begins at 17:00 UTC the day before.
        #expect(appointment.validFrom == Timestamp(seconds: 1_788_195_600))
        #expect(appointment.validTo == Timestamp(seconds: 1_788_195_600 + 91 * 86_400))
        #expect(appointment.holds(at: Timestamp(seconds: 1_788_195_600)))
        #expect(!appointment.holds(at: Timestamp(milliseconds: 1_788_195_600_000 - 1)))
        let makassar = CityCalendar(timeZone: "Asia/Makassar")
        let day = try #require(CalendarDate("2026-09-01"))
        #expect(makassar.start(of: day) == Timestamp(seconds: 1_788_195_600 - 3600))
        #expect(makassar.day(of: makassar.start(of: day)) == day)
        #expect(makassar.lastDay(before: makassar.end(of: day)) == day)
        await world.store.close()
    }

    @Test("attack 272: whatever is missing or unknown is refused with its own reason")
    func refused() async throws {
        let world = try await World()
        func check(_ request: AppointmentRequest, _ expected: AppointmentReason) async throws {
            #expect(reason(try await world.add(request).first) == expected)
        }
        try await check(world.request(kind: "PLS"), .kindUnknown)
        try await check(world.request(kind: nil), .kindUnknown)
        try await check(world.request(unit: "NOWHERE"), .unitUnknown)
        try await check(world.request(unit: nil), .unitMissing)
        try await check(world.request(post: "null"), .postMissing)
        try await check(world.request(letter: "  "), .letterMissing)
        try await check(world.request(letter: nil), .letterMissing)
        try await check(world.request(letter: "800\u{200b}/1"), .textUnusable)
        try await check(world.request(post: String(repeating: "x", count: 501)), .textUnusable)
        try await check(world.request("", "30-11-2026"), .startMissing)
        try await check(world.request("31-09-2026", "30-11-2026"), .dateUnreadable)
        try await check(world.request("01-09-2026", "besok"), .dateUnreadable)
        try await check(world.request("01-09-2026", nil), .endMissing)
        try await check(world.request("02-09-2026", "01-09-2026"), .endBeforeStart)
        var request = world.request()
        request.nip = world.nips[1]
        try await check(request, .identifiersDiffer)
        request.nip = "189001011915011999"
        try await check(request, .personUnknown)
        (request.nip, request.pnsID) = (nil, "NOBODY")
        try await check(request, .personUnknown)
        request.pnsID = nil
        try await check(request, .personMissing)
        request = world.request()
        request.hasNumericIdentifier = true
        try await check(request, .numericIdentifier)
        #expect(
            try await world.store.read {
                try $0.audit.list(before: .max, event: "appointment.added", subject: nil, limit: 9)
            }.isEmpty)
        // Either identifier is enough, however the NIP and the kind are written.
        request = world.request(kind: "plt.")
        request.pnsID = nil
        request.nip = world.nips[0].prefix(8) + " " + world.nips[0].dropFirst(8)
        #expect(reason(try await world.add(request).first) == nil)
        await world.store.close()
    }

    @Test("attack 272: an NIP that Excel stored as a number is refused as that, and the rest of the file goes on")
    func numbers() async throws {
        let world = try await World()
        let text =
            "jenis;pns_id;nip;unor_id;jabatan;mulai;selesai;nomor_surat\n"
            + "PLT;;1,98E+17;A0;Kepala Dinas 0;01-09-2026;30-11-2026;800/1\n;;;;;;;\n"
            + "PLT;\(world.pnsIDs[0]);'\(world.nips[0]);A0;Kepala Dinas 0;2026-09-01;30/11/2026;800/2\n"
        let (requests, _) = try await PersonnelFile(name: "x.csv", bytes: Array(text.utf8)).readAppointments()
        #expect(requests.map(\.row) == [2, 4])
        let outcomes = try await world.store.write { tx throws in
            try AppointmentDirectory(tx, calendar: Self.calendar, by: .system, at: Self.now).add(requests)
        }
        #expect(reason(outcomes[0]) == .numericIdentifier)
        #expect(outcomes[1].appointment?.letterNumber == "800/2")
        await world.store.close()
    }

    @Test("one post has one Plt, Plh or Pj at a time, however it is spelled; definitive holders do not count")
    func oneHolder() async throws {
        let world = try await World()
        try await world.add(world.request(2, kind: "D", "01-01-2026", nil, letter: "D/1"))
        try await world.add(world.request(0))
        for kind in ["PLT", "PLH", "PJ"] {
            let other = world.request(1, kind: kind, post: "KEPALA   dinas 0", "30-11-2026", "01-12-2026", letter: "2")
            let outcome = try await world.add(other).first
            #expect(reason(outcome) == .postTaken)
            guard case .refused(_, let holder)? = outcome?.verdict else { return }
            #expect(holder?.letterNumber == "800/1")
        }
        // The day after, another post, another unit, a further duty: none of them is in the way.
        #expect(reason(try await world.add(world.request(1, "01-12-2026", "02-12-2026", letter: "3")).first) == nil)
        #expect(reason(try await world.add(world.request(1, post: "Sekretaris", letter: "4")).first) == nil)
        #expect(reason(try await world.add(world.request(1, unit: "A1", letter: "5")).first) == nil)
        #expect(reason(try await world.add(world.request(1, kind: "TT", letter: "6")).first) == nil)
        // Two in one file are one after the other too.
        let both = try await world.add(
            world.request(4, unit: "A1S0", letter: "7"), world.request(5, unit: "A1S0", letter: "8"))
        #expect(both.map { reason($0) } == [nil, .postTaken])
        await world.store.close()
    }

    @Test("the same person twice in one post at one time is refused as that")
    func ownTwice() async throws {
        let world = try await World()
        try await world.add(world.request())
        #expect(
            reason(try await world.add(world.request("01-11-2026", "31-12-2026", letter: "2")).first) == .overlapsOwn)
        await world.store.close()
    }

    @Test(
        "SE BKN 1/2021: a Plt lasts three months and three more; the day after is too long",
        arguments: [
            ("01-09-2026", "28-02-2027", true), ("01-09-2026", "01-03-2027", false),
            ("31-08-2026", "28-02-2027", true), ("31-08-2026", "01-03-2027", false),
            ("15-10-2026", "14-04-2027", true), ("15-10-2026", "15-04-2027", false),
        ])
    func length(_ from: String, _ to: String, _ isRight: Bool) async throws {
        let world = try await World()
        #expect(reason(try await world.add(world.request(from, to)).first) == (isRight ? nil : .pltTooLong))
        // Plh has no such limit.
        #expect(reason(try await world.add(world.request(1, kind: "PLH", unit: "A1", from, to)).first) == nil)
        await world.store.close()
    }

    @Test("letters that follow each other are one time: the second extension is too long, in any order of writing")
    func chain() async throws {
        let world = try await World()
        let first = world.request("01-09-2026", "30-11-2026", letter: "1")
        let second = world.request("01-12-2026", "28-02-2027", letter: "2")
        let third = world.request("01-03-2027", "31-05-2027", letter: "3")
        #expect(try await world.add(first, second, third).map { reason($0) } == [nil, nil, .pltTooLong])
        // Between two that stand apart.
        let other = try await World()
        let outcomes = try await other.add(
            other.request("01-09-2026", "30-11-2026", letter: "1"),
            other.request("01-03-2027", "31-05-2027", letter: "3"),
            other.request("01-12-2026", "28-02-2027", letter: "2"))
        #expect(outcomes.map { reason($0) } == [nil, nil, .pltTooLong])
        await world.store.close()
        await other.store.close()
    }

    @Test("attack 275: the same letter again is already there and writes nothing; with other days it is refused")
    func again() async throws {
        let world = try await World()
        let first = try #require(try await world.add(world.request()).first?.appointment)
        func rows() async throws -> Int {
            try await world.store.read { try $0.audit.list(before: .max, event: nil, subject: nil, limit: 99).count }
        }
        let count = try await rows()
        let again = try await world.add(world.request(letter: " 800/1"), world.request()).map(\.verdict)
        #expect(again == [.present(first), .present(first)])
        #expect(try await rows() == count)
        #expect(
            reason(try await world.add(world.request("01-09-2026", "29-11-2026")).first) == .letterDiffers)
        #expect(reason(try await world.add(world.request(kind: "PLH")).first) == .letterDiffers)
        // Ended, it is still the same letter; corrected, it may come again.
        let day = try #require(CalendarDate("2026-08-01"))
        try await world.store.write { tx throws in
            let directory = AppointmentDirectory(tx, calendar: Self.calendar, by: .system, at: Self.now)
            #expect(try directory.end(first.id, on: day).validTo == first.validFrom)
            #expect(try directory.end(first.id, on: day).validTo == first.validFrom)
        }
        #expect(try await world.add(world.request()).first?.appointment?.id == first.id)
        let corrected = try await world.add(world.request("01-09-2026", "29-11-2026")).first
        guard case .new = corrected?.verdict else { throw StoreError(.other, "\(String(describing: corrected))") }
        await world.store.close()
    }

    @Test("ending takes the days after, once, and never makes it longer")
    func end() async throws {
        let world = try await World()
        let first = try #require(try await world.add(world.request()).first?.appointment)
        func end(_ day: String) async throws -> Timestamp? {
            let day = try #require(CalendarDate(day))
            return try await world.store.write { tx throws in
                try AppointmentDirectory(tx, calendar: Self.calendar, by: .system, at: Self.now).end(first.id, on: day)
                    .validTo
            }
        }
        await #expect(throws: DirectoryError.self) { try await end("2026-11-30") }
        #expect(try await end("2026-10-15") == Self.calendar.end(of: #require(CalendarDate("2026-10-15"))))
        let count = try await world.store.read {
            try $0.audit.list(before: .max, event: "appointment.ended", subject: nil, limit: 9).count
        }
        #expect(count == 1)
        #expect(try await end("2026-10-15") != nil)
        await #expect(throws: DirectoryError.self) { try await end("2026-10-16") }
        // The post is free the day after.
        #expect(reason(try await world.add(world.request(1, "16-10-2026", "30-11-2026", letter: "2")).first) == nil)
        await world.store.close()
    }

    @Test("a Plt beside a head, a Plh without one and a post of another name are taken with a warning")
    func warnings() async throws {
        let world = try await World()
        try await world.store.write { tx throws in
            var unit = try #require(try tx.units.find(sourceID: "A1"))
            unit.headPNSID = "HEAD"
            try tx.units.update(unit)
        }
        func warnings(_ request: AppointmentRequest) async throws -> [AppointmentReason] {
            let outcome = try #require(try await world.add(request).first)
            #expect(outcome.appointment != nil)
            return outcome.warnings
        }
        #expect(
            try await warnings(world.request(0, unit: "A1", post: "Kepala Dinas 1", letter: "1")) == [.postOccupied])
        #expect(try await warnings(world.request(1, kind: "PLH", letter: "2")) == [.postVacant])
        #expect(try await warnings(world.request(2, post: "Kepala Dnas 0", letter: "3")) == [.postNotHead])
        await world.store.close()
    }

    @Test("every reason says what is wrong in both languages")
    func texts() {
        for reason in AppointmentReason.allCases {
            #expect(reason.indonesian != reason.english)
            #expect(reason.indonesian.hasSuffix(".") && reason.english.hasSuffix("."))
        }
    }

    @Test("months are counted as people count them, and days of the city survive the journey")
    func calendar() throws {
        func after(_ day: String, _ months: Int) -> String? { CalendarDate(day)?.adding(months: months)?.iso8601 }
        #expect(after("2026-09-01", 6) == "2027-03-01")
        #expect(after("2026-08-31", 6) == "2027-03-01")
        #expect(after("2027-08-31", 6) == "2028-03-01")
        #expect(after("2026-12-31", 2) == "2027-03-01")
        #expect(after("2026-01-15", 11) == "2026-12-15")
        #expect(after("2026-10-31", 1) == "2026-12-01")
        #expect(after("9999-12-01", 1) == nil)
        let calendar = CityCalendar(timeZone: "Asia/Jayapura")
        for day in stride(from: -719_162, through: 2_932_896, by: 99_991) {
            let date = try #require(CalendarDate(daysSince1970: day))
            #expect(date.daysSince1970 == day)
            #expect(calendar.day(of: calendar.start(of: date)) == date)
            #expect(calendar.lastDay(before: calendar.end(of: date)) == date)
        }
        #expect(CalendarDate(daysSince1970: -719_163) == nil)
        #expect(CalendarDate(daysSince1970: 2_932_897) == nil)
        #expect(calendar.day(of: Timestamp(milliseconds: .max)) == nil)
        #expect(calendar.day(of: Timestamp(milliseconds: .min)) == nil)
    }
}

/// September's letters of Kota Nusa Contoh against the truth that came with them.
@Suite("Appointments: September of Kota Nusa Contoh")
struct AppointmentTruthTests {
    @Test("25 letters are taken, the last three refused, each with its own reason; again, nothing is new")
    func truth() async throws {
        let store = try await Store.open(.sqliteMemory)
        let run = PersonnelRun(store: store, options: PersonnelTestCity.options)
        let plan = try await run.plan(
            people: PersonnelExample.file("siasn-2026-09.xlsx"), units: PersonnelExample.file("ref-unor-2026-09.csv"),
            now: PersonnelTestCity.now)
        _ = try await run.apply(plan, by: .system, now: PersonnelTestCity.now)
        let file = PersonnelFile(name: "penugasan.csv", bytes: try PersonnelExample.fixture("penugasan-2026-09.csv"))
        let (requests, digest) = try await file.readAppointments()
        #expect(requests.count == 28)
        func add() async throws -> [AppointmentOutcome] {
            try await store.write { tx throws in
                try AppointmentDirectory(
                    tx, calendar: AppointmentRuleTests.calendar, by: .system, at: PersonnelTestCity.now
                ).add(requests, fileDigest: digest)
            }
        }
        let first = try await add()
        let new = first.filter { if case .new = $0.verdict { true } else { false } }
        #expect(new.map(\.row) == Array(2...26))
        #expect(new.allSatisfy { $0.warnings.isEmpty })
        let refused = first.suffix(3).map { outcome -> AppointmentReason? in
            if case .refused(let reason, _) = outcome.verdict { reason } else { nil }
        }
        #expect(refused == [.postTaken, .pltTooLong, .endBeforeStart])
        let second = try await add()
        #expect(second.prefix(25).allSatisfy { if case .present = $0.verdict { true } else { false } })
        #expect(second.suffix(3) == first.suffix(3))
        try await store.read { tx throws in
            #expect(
                try tx.audit.list(before: .max, event: "appointment.added", subject: nil, limit: 99).count == 25)
            #expect(try AuditChain.firstBreak(in: tx) == nil)
            let september = try #require(CalendarDate("2026-09-20"))
            let acting = try tx.standing.acting(at: AppointmentRuleTests.calendar.start(of: september))
            // The five Plh ended on the 14th.
            #expect(acting.count == 20)
            #expect(acting.allSatisfy { $0.isHead })
        }
        await store.close()
    }
}
