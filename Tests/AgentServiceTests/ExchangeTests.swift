import AgentService
import Federation
import Foundation
import Testing

@Suite struct ExchangeTests {
    @Test("a task is read as it was submitted, and a second submission does not replace it")
    func submission() throws {
        try WorkerSite.with { site in
            let task = site.task(data: "/nowhere.csv")
            let folder = TaskFolder(state: site.state, round: task.round, kind: .train)
            try folder.submit(task)
            #expect(folder.id == "study.1.1.train")
            #expect(TaskFolder.all(state: site.state) == [folder])
            #expect(try folder.task() == task)
            try folder.submit(site.task(data: "/elsewhere.csv"))
            #expect(try folder.task() == task)
            #expect(try folder.result() == nil)
        }
    }

    @Test("a result survives being written and read")
    func result() throws {
        try WorkerSite.with { site in
            let task = site.task(data: "/nowhere.csv")
            let folder = TaskFolder(state: site.state, round: task.round, kind: .train)
            try folder.submit(task)
            let result = WorkerResult(.refusal(WorkerResult.Refusal(.cases, "too few")), of: task, device: "a device")
            try folder.finish(result)
            #expect(try folder.result() == result)
            #expect(folder.isFinished)
            #expect(result.header(federation: "f", site: "s", update: .init(digest: "d", bytes: 9)) == nil)
        }
    }

    @Test("a task of an unknown kind, of another format, out of range or too large is refused")
    func refusals() throws {
        try WorkerSite.with { site in
            let task = site.task(data: "/nowhere.csv")
            let folder = TaskFolder(state: site.state, round: task.round, kind: .train)
            try folder.submit(task)
            let file = URL(filePath: folder.path + "/task.json")
            let text = try String(contentsOf: file, encoding: .utf8)
            for (old, new) in [
                ("\"kind\":\"train\"", "\"kind\":\"conjure\""), ("\"format\":1", "\"format\":2"),
                ("\"globalStep\":0", "\"globalStep\":-1"), ("\"minimumCases\":0", "\"minimumCases\":-5"),
            ] {
                #expect(text.contains(old))
                try Data(text.replacingOccurrences(of: old, with: new).utf8).write(to: file)
                #expect(throws: ExchangeError.self) { try folder.task() }
            }
            try Data((text + String(repeating: " ", count: TaskFolder.mostBytes)).utf8).write(to: file)
            #expect(throws: ExchangeError.self) { try folder.task() }
            try Data(text.utf8).write(to: file)
            #expect(try folder.task() == task)
        }
    }

    @Test("a task that is a link to another file is not followed")
    func link() throws {
        try WorkerSite.with { site in
            let task = site.task(data: "/nowhere.csv")
            let folder = TaskFolder(state: site.state, round: task.round, kind: .train)
            try folder.submit(task)
            try FileManager.default.moveItem(atPath: folder.path + "/task.json", toPath: site.folder + "/task.json")
            try FileManager.default.createSymbolicLink(
                atPath: folder.path + "/task.json", withDestinationPath: site.folder + "/task.json")
            #expect(throws: ExchangeError.self) { try folder.task() }
        }
    }
}
