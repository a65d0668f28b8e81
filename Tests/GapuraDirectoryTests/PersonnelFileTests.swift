import Foundation
import GapuraFormats
import GapuraStore
import GapuraTokens
import Testing

@testable import GapuraDirectory

/// Files as they lie on a disk, read as the command reads them.
@Suite("Personnel: files")
struct PersonnelFileTests {
    typealias City = PersonnelTestCity

    /// A folder of this test's own, removed with it.
    final class Folder {
        let url = FileManager.default.temporaryDirectory.appending(path: "gapura-files-\(UUID().uuidString)")

        init() throws {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        }

        deinit {
            try? FileManager.default.removeItem(at: url)
        }

        func path(_ name: String) -> String { url.appending(path: name).path }

        func write(_ bytes: [UInt8], to name: String) throws -> String {
            try Data(bytes).write(to: url.appending(path: name))
            return path(name)
        }
    }

    @Test("attack 271: a file of 1 GB is read, hashed and planned in bounded memory")
    func gigabyte() async throws {
        let folder = try Folder()
        let city = City(people: 0)
        // What is long stands in columns that nobody needs, as in life: addresses and remarks.
        let long = Data("\"\(String(repeating: "Jl. Contoh; ", count: 5000))\"\r\n".utf8)
        let path = folder.path("besar.csv")
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        let output = try #require(FileHandle(forWritingAtPath: path))
        try output.write(contentsOf: Data((City.columns.joined(separator: ";") + "\r\n").utf8))
        var written = 0
        var count = 0
        while written < 1 << 30 {
            // Only so many people: the file is what is large here.
            var person = city.person(count % 3000)
            if count >= 3000 { person["pns_id"] = "null" }
            person["agama_nama"] = ""  // the last column
            let row = Data(City.csv(City.columns, [person]).drop { $0 != 0x0a }.dropFirst().dropLast(2)) + long
            try output.write(contentsOf: row)
            written += row.count
            count += 1
        }
        try output.close()

        let store = try await Store.open(.sqliteMemory)
        let run = PersonnelRun(store: store, options: City.options)
        let before = try Self.resetPeak()
        let plan = try await run.plan(people: PersonnelFile.open(path), units: city.unitFile, now: City.now)
        let grown = try Self.peak() - before
        #expect(plan.counts.rows == count)
        // Other tests run meanwhile; a reader that kept the file would need more than a gigabyte.
        #expect(grown < 384 << 20, "\(grown >> 20) MiB")
        await store.close()
    }

    /// Makes the peak of resident memory what it is now, in bytes.
    private static func resetPeak() throws -> Int {
        try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
        return try peak()
    }

    private static func peak() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
        return try #require(Int(line.split(separator: " ").dropLast().last?.split(separator: "\t").last ?? "")) * 1024
    }

    @Test("the digest is that of the file, read in one pass or here and there")
    func digests() async throws {
        let store = try await Store.open(.sqliteMemory)
        let run = PersonnelRun(store: store, options: City.options)
        let city = City(people: 2000)
        let folder = try Folder()
        let bytes = City.csv(City.columns, city.people)
        #expect(bytes.count > 3 * 128 * 1024)
        let (text, workbook) = (
            try folder.write(bytes, to: "uji.csv"), try PersonnelExample.bytes("siasn-2026-09.xlsx")
        )
        let plan = try await run.plan(people: PersonnelFile.open(text), units: city.unitFile, now: City.now)
        #expect(plan.fileName == "uji.csv")
        #expect(plan.fileDigest == Base64URL.encode(SHA256.hash(bytes)))
        let other = try await run.plan(
            people: PersonnelExample.file("siasn-2026-09.xlsx"), units: city.unitFile, now: City.now)
        #expect(other.fileDigest == Base64URL.encode(SHA256.hash(workbook)))
        await store.close()
    }

    @Test("a file that changed after it was previewed is not applied: rewritten, replaced, removed; units too")
    func changed() async throws {
        let city = City(people: 40)
        let store = try await Store.open(.sqliteMemory)
        let run = PersonnelRun(store: store, options: City.options)
        let folder = try Folder()
        let people = City.csv(City.columns, city.people)
        let units = try folder.write([UInt8](Data(contentsOf: unitFile(city, in: folder))), to: "unor.csv")
        let path = try folder.write(people, to: "uji.csv")
        let plan = try await run.plan(
            people: PersonnelFile.open(path), units: PersonnelFile.open(units), now: City.now)

        let rewrite = try #require(FileHandle(forWritingAtPath: path))
        try rewrite.seek(toOffset: UInt64(people.count - 1))
        try rewrite.write(contentsOf: Data("\r\n".utf8))
        try rewrite.close()
        await #expect(throws: PersonnelSourceError.changed("uji.csv")) {
            try await run.apply(plan, by: .system, now: City.now)
        }
        try FileManager.default.removeItem(atPath: path)
        await #expect(throws: PersonnelSourceError.self) { try await run.apply(plan, by: .system, now: City.now) }
        // The same bytes again under that name are the same file.
        _ = try folder.write(people, to: "uji.csv")
        let before = try Data(contentsOf: URL(fileURLWithPath: units))
        _ = try folder.write([UInt8](before) + [0x0d, 0x0a], to: "unor.csv")
        await #expect(throws: PersonnelSourceError.changed("unor.csv")) {
            try await run.apply(plan, by: .system, now: City.now)
        }
        #expect(try await store.read { try $0.people.count() } == 0)
        _ = try folder.write([UInt8](before), to: "unor.csv")
        guard case .applied = try await run.apply(plan, by: .system, now: City.now) else {
            throw StoreError(.other, "not applied")
        }
        await store.close()
    }

    private func unitFile(_ city: City, in folder: Folder) throws -> URL {
        let rows = city.units.map {
            ["Id": $0.id, "InstansiId": city.government, "DiatasanId": $0.parent, "NamaUnor": $0.name]
        }
        let columns = [
            "Id", "InstansiId", "DiatasanId", "EselonId", "NamaUnor", "NamaJabatan", "PemimpinPnsId", "JenisUnorId",
        ]
        return URL(fileURLWithPath: try folder.write(City.csv(columns, rows), to: "units-source.csv"))
    }

    @Test("a workbook that somebody shortens while it is open is an error, and the process lives")
    func shortened() async throws {
        let store = try await Store.open(.sqliteMemory)
        let run = PersonnelRun(store: store, options: City.options)
        let folder = try Folder()
        let bytes = try PersonnelExample.bytes("siasn-2026-09.xlsx")
        let path = try folder.write(bytes, to: "uji.xlsx")
        let file = try PersonnelFile.open(path)
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.truncate(atOffset: UInt64(bytes.count / 2))
        try handle.close()
        await #expect(throws: PersonnelSourceError.self) {
            try await run.plan(people: file, units: City(people: 1).unitFile, now: City.now)
        }
        await store.close()
    }

    @Test("a folder, a pipe without a writer and a file that is too large are refused at once")
    func refused() throws {
        let folder = try Folder()
        #expect(throws: PersonnelSourceError.self) { try PersonnelFile.open(folder.url.path) }
        #expect(mkfifo(folder.path("pipe"), 0o600) == 0)
        #expect(throws: PersonnelSourceError.self) { try PersonnelFile.open(folder.path("pipe")) }
        let path = try folder.write([UInt8](repeating: 0x61, count: 11), to: "a.csv")
        #expect(throws: PersonnelSourceError.self) { try PersonnelFile.open(path, maximumBytes: 10) }
        #expect(throws: PersonnelSourceError.self) { try PersonnelFile.open(folder.path("none.csv")) }
    }

    @Test("reading has a thread of its own, and ends when nobody waits for it any more")
    func thread() async throws {
        let name = try await PersonnelThread.run { _ in
            // As the kernel tells it of the thread that asks.
            try String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
        }
        #expect(name == "gapura-load\n")
        let city = City(people: 3000)
        let store = try await Store.open(.sqliteMemory)
        let run = PersonnelRun(store: store, options: City.options)
        let (people, units) = (city.peopleFile, city.unitFile)
        let task = Task { try await run.plan(people: people, units: units, now: City.now) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        await store.close()
    }
}
