import Cohort
import Foundation
import Imaging
import NIfTI
import Testing

@Suite("Cache of prepared cases")
struct PreparedCacheTests {
    static let recipe = Recipe(size: 16)

    /// A geometry as an entry's header holds it.
    static let geometry = """
        {"reference":"T1w","nativeDims":[3,4,5],"nativeAffine":{"rows":[[1,0,0,0],[0,2,0,0],[0,0,3,0]]},
        "storedOrientation":"RAS","obliqueDegrees":0.5,"orientation":"RAS","cropOrigin":[0,1,2],"cropDims":[3,3,3],
        "spacing":[1,1,1],"nativeFromPrepared":{"rows":[[0.1,0,0,0],[0,0.2,0,0],[0,0,0.3,0]]}}
        """

    static func volume(_ seed: UInt64 = 1) -> PreparedVolume {
        var random = SplitMix(state: seed)
        guard let geometry = try? JSONDecoder().decode(PreparedGeometry.self, from: Data(geometry.utf8)) else {
            preconditionFailure("the test's own geometry is wrong")
        }
        return PreparedVolume(
            size: 16, voxels: (0..<4 * 16 * 16 * 16).map { _ in Float(random.next(0, 1)) },
            present: [true, false, true, true], recipe: recipe,
            geometry: geometry,
            warnings: ["One \"thing\"."])
    }

    /// A case of one file; what is in it does not matter to the cache.
    static func paths(_ scratch: borrowing Scratch, _ text: String = "scan") throws -> CasePaths {
        CasePaths(contrasts: [.t1w: try scratch.write("scan.nii", text)])
    }

    static func entries(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    static func permissions(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test("An entry's bytes give back the volume, and the same volume gives the same bytes")
    func roundTrip() throws {
        let bytes = try PreparedEntry.encode(Self.volume())
        #expect(try PreparedEntry.decode(bytes) == Self.volume())
        #expect(try PreparedEntry.encode(Self.volume()) == bytes)
    }

    @Test("An entry cut anywhere, or with any bit turned, is not believed")
    func damage() throws {
        let bytes = try PreparedEntry.encode(Self.volume())
        var random = SplitMix(state: 8)
        for _ in 0..<200 {
            var turned = bytes
            turned[Int(random.next() % UInt64(bytes.count))] ^= 1 << UInt8(random.next() % 8)
            #expect(throws: (any Error).self) { try PreparedEntry.decode(turned) }
            let length = Int(random.next() % UInt64(bytes.count))
            #expect(throws: (any Error).self) { try PreparedEntry.decode(Array(bytes[..<length])) }
        }
        #expect(throws: (any Error).self) { try PreparedEntry.decode([]) }
    }

    @Test("A case is prepared once, also for the next run; the folder is 0700 and the entry 0600")
    func once() throws {
        let scratch = try Scratch()
        let paths = try Self.paths(scratch)
        let folder = scratch.path + "/a/cache"
        for run in 0..<2 {
            let cache = PreparedCache(folder: folder)
            for turn in 0..<2 {
                let found = try cache.volume(paths: paths, recipe: Self.recipe) {
                    #expect((run, turn) == (0, 0), "prepared again")
                    return Self.volume()
                }
                #expect(found == Self.volume())
            }
            #expect(cache.notices.isEmpty)
        }
        let names = try Self.entries(folder)
        #expect(names.count == 1)
        #expect(try Self.permissions(folder) == 0o700)
        #expect(try Self.permissions(folder + "/" + names[0]) == 0o600)
    }

    @Test("Other bytes, another recipe, another role of a file are other entries; another name is not")
    func keys() throws {
        let scratch = try Scratch()
        let cache = PreparedCache(folder: scratch.path + "/cache")
        let (a, b) = (try scratch.write("a.nii", "scan"), try scratch.write("b.nii", "scan"))
        let other = try scratch.write("c.nii", "scan2")
        let key = try cache.key(paths: CasePaths(contrasts: [.t1w: a]), recipe: Self.recipe)
        #expect(try cache.key(paths: CasePaths(contrasts: [.t1w: b]), recipe: Self.recipe) == key)
        let others = [
            try cache.key(paths: CasePaths(contrasts: [.t1w: other]), recipe: Self.recipe),
            try cache.key(paths: CasePaths(contrasts: [.t1c: a]), recipe: Self.recipe),
            try cache.key(paths: CasePaths(volume: a), recipe: Self.recipe),
            try cache.key(paths: CasePaths(contrasts: [.t1w: a], brain: b), recipe: Self.recipe),
            try cache.key(paths: CasePaths(contrasts: [.t1w: a]), recipe: Recipe(size: 24)),
            try cache.key(paths: CasePaths(contrasts: [.t1w: a]), recipe: Recipe(size: 16, unstripped: true)),
        ]
        #expect(Set(others + [key]).count == 7)
    }

    @Test("A file that changes during the run is prepared again")
    func changedFile() throws {
        let scratch = try Scratch()
        let cache = PreparedCache(folder: scratch.path + "/cache")
        let paths = try Self.paths(scratch)
        _ = try cache.volume(paths: paths, recipe: Self.recipe) { Self.volume(1) }
        _ = try Self.paths(scratch, "another scan")
        #expect(try cache.volume(paths: paths, recipe: Self.recipe) { Self.volume(2) } == Self.volume(2))
    }

    @Test("A file that changes while it is prepared is not stored")
    func changedMeanwhile() throws {
        let scratch = try Scratch()
        let folder = scratch.path + "/cache"
        let cache = PreparedCache(folder: folder)
        let paths = try Self.paths(scratch)
        let found = try cache.volume(paths: paths, recipe: Self.recipe) {
            _ = try Self.paths(scratch, "another scan")
            return Self.volume(2)
        }
        #expect(found == Self.volume(2))
        #expect(try Self.entries(folder).isEmpty)
        #expect(cache.notices.isEmpty)
        _ = try Self.paths(scratch)
        #expect(try cache.volume(paths: paths, recipe: Self.recipe) { Self.volume(1) } == Self.volume(1))
    }

    @Test("Warnings of a case name its scans by contrast and no file, also from the cache under another name")
    func warnings() throws {
        let scratch = try Scratch()
        var skull = MadeScan(head: 2)
        skull.hasSkull = true
        var other = MadeScan(head: 2)
        other.contrast = .flair
        other.hasSkull = true
        other.dims = [20, 22, 18]
        other.spacing = (8, 8, 8)
        let names = ["Kowalska_t1.nii.gz", "Kowalska_fl.nii.gz", "Nowak_t1.nii.gz", "Nowak_fl.nii.gz"]
        for (name, scan) in zip(names, [skull, other, skull, other]) { try scan.write("\(scratch.path)/\(name)") }
        let loader = CaseLoader(
            recipe: Recipe(size: 16, unstripped: true), cache: PreparedCache(folder: scratch.path + "/cache"))
        let prepared = try [0, 2].map { first in
            let files = [Contrast.t1w: names[first], .flair: names[first + 1]].mapValues { "\(scratch.path)/\($0)" }
            return try loader.prepared(CaseRecord(id: "a", paths: CasePaths(contrasts: files)))
        }
        #expect(try Self.entries(scratch.path + "/cache").count == 1)
        #expect(prepared[0] == prepared[1])
        #expect(prepared[1].warnings.count >= 3)
        for warning in prepared[1].warnings {
            #expect(warning.contains("T1w") || warning.contains("FLAIR"))
            for word in ["/", "nii", "Kowalska", "Nowak"] { #expect(!warning.contains(word)) }
        }
    }

    @Test("A damaged, foreign or empty entry is made anew")
    func damagedEntry() throws {
        let scratch = try Scratch()
        let folder = scratch.path + "/cache"
        let paths = try Self.paths(scratch)
        let cache = PreparedCache(folder: folder)
        _ = try cache.volume(paths: paths, recipe: Self.recipe) { Self.volume() }
        let entry = URL(fileURLWithPath: folder + "/" + (try Self.entries(folder))[0])
        let sound = try Data(contentsOf: entry)
        var foreign = Self.volume()
        foreign.recipe = Recipe(size: 16, unstripped: true)
        for bad in [Data(), sound.dropLast(), sound + [0], Data(try PreparedEntry.encode(foreign))] {
            try bad.write(to: entry)
            #expect(try cache.volume(paths: paths, recipe: Self.recipe) { Self.volume() } == Self.volume())
            #expect(try Data(contentsOf: entry) == sound)
        }
    }

    @Test("Entries beyond the age limit are not used, and are deleted when the cache is opened")
    func age() throws {
        let scratch = try Scratch()
        let folder = scratch.path + "/cache"
        let paths = try Self.paths(scratch)
        let first = PreparedCache(folder: folder)
        _ = try first.volume(paths: paths, recipe: Self.recipe) { Self.volume(1) }
        let entry = folder + "/" + (try Self.entries(folder))[0]
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -31 * 86_400)], ofItemAtPath: entry)
        #expect(try first.volume(paths: paths, recipe: Self.recipe) { Self.volume(2) } == Self.volume(2))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -31 * 86_400)], ofItemAtPath: entry)
        _ = PreparedCache(folder: folder, days: 40)
        #expect(try Self.entries(folder).count == 1)
        _ = PreparedCache(folder: folder)
        #expect(try Self.entries(folder).isEmpty)
    }

    @Test("Purging deletes entries and abandoned writing, by age if asked, and leaves other files alone")
    func purge() throws {
        let scratch = try Scratch()
        let folder = scratch.path + "/cache"
        #expect(try PreparedCache.purge(folder: folder).entries == 0)
        let cache = PreparedCache(folder: folder)
        _ = try cache.volume(paths: try Self.paths(scratch), recipe: Self.recipe) { Self.volume() }
        let entry = try Self.entries(folder)[0]
        _ = try scratch.write("cache/.\(entry).12.1.partial", "half")
        _ = try scratch.write("cache/thesis.docx", "mine")
        _ = try scratch.write("cache/short.prepared", "mine")
        #expect(try PreparedCache.purge(folder: folder, olderThanDays: 1).entries == 0)
        #expect(try Self.entries(folder).count == 4)
        #expect(try PreparedCache.purge(folder: folder).entries == 1)
        #expect(try Self.entries(folder) == ["short.prepared", "thesis.docx"])
    }

    @Test("A cache that cannot be written does without, says so once, and never fails the case")
    func withoutCache() throws {
        let scratch = try Scratch()
        let paths = try Self.paths(scratch)
        let file = try scratch.write("file", "")
        let shared = scratch.path + "/shared"
        try FileManager.default.createDirectory(
            atPath: shared, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        _ = try scratch.write("shared/thesis.docx", "mine")
        for folder in [file, file + "/below", "/proc/consilium", shared] {
            let cache = PreparedCache(folder: folder)
            for _ in 0..<2 {
                #expect(try cache.volume(paths: paths, recipe: Self.recipe) { Self.volume() } == Self.volume())
            }
            #expect(cache.notices.count == 1)
            #expect(cache.notices[0].hasSuffix("Continuing without a cache."))
        }
        #expect(try Self.permissions(shared) == 0o755)
    }

    @Test("Without a home folder there is no cache, and never one in a folder that all users share")
    func withoutHome() async {
        // In a child, as the environment is the process's.
        await #expect(processExitsWith: .success) {
            unsetenv("XDG_CACHE_HOME")
            setenv("HOME", "/home/anna", 1)
            try #require(PreparedCache.usualFolder == "/home/anna/.cache/consilium")
            for home in ["", "relative"] {
                setenv("HOME", home, 1)
                try #require(PreparedCache.usualFolder == nil)
            }
            unsetenv("HOME")
            try #require(PreparedCache.usualFolder == nil)
            let cache = PreparedCache()
            try #require(cache.notices.count == 1)
            let paths = CasePaths(contrasts: [.t1w: "/nowhere.nii"])
            let found = try cache.volume(paths: paths, recipe: Self.recipe) { Self.volume() }
            try #require(found == Self.volume())
        }
    }

    @Test("A full disk does without the cache and leaves nothing half written")
    func fullDisk() async {
        // In a child, as the limit is the process's: the entry is 64 KiB, files may not grow beyond 16.
        await #expect(processExitsWith: .success) {
            let scratch = try Scratch()
            let folder = scratch.path + "/cache"
            let paths = try Self.paths(scratch)
            let cache = PreparedCache(folder: folder)
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 16 << 10, rlim_max: 16 << 10)
            try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            let found = try cache.volume(paths: paths, recipe: Self.recipe) { Self.volume() }
            try #require(found == Self.volume())
            try #require(cache.notices.count == 1)
            try #require(Self.entries(folder).isEmpty)
        }
    }

    @Test("Many threads and two caches on one folder give every asker the whole case")
    func concurrency() throws {
        let scratch = try Scratch()
        let folder = scratch.path + "/cache"
        let paths = try Self.paths(scratch)
        let caches = [PreparedCache(folder: folder), PreparedCache(folder: folder)]
        DispatchQueue.concurrentPerform(iterations: 16) { turn in
            let found = try? caches[turn % 2].volume(paths: paths, recipe: Self.recipe) { Self.volume() }
            #expect(found == Self.volume())
        }
        #expect(try Self.entries(folder).count == 1)
    }
}
