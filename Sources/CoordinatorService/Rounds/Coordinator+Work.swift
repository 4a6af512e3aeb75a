import Dispatch
package import Federation
import Foundation
import GRDB
import Logging
import Synchronization

extension Coordinator {
    /// Does what the state asks for and lets clocks run, until the task is cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.runClocks() }
            while !Task.isCancelled {
                let version = changes.version
                await sweepUploads()
                store.reserve.fill()
                for work in state.pendingWork where busy.withLock({ $0.insert(work.name).inserted }) {
                    group.addTask {
                        await self.see(to: work)
                        _ = self.busy.withLock { $0.remove(work.name) }
                        self.changes.announce()
                    }
                }
                await changes.next(past: version)
            }
            group.cancelAll()
        }
    }

    /// Does a piece of work until it is done, or no longer wanted; what fails is tried again, ever more slowly.
    private func see(to work: Work) async {
        var pause = 1.0
        while !Task.isCancelled, state.pendingWork.contains(work) {
            do {
                try await carryOut(work)
                guard state.pendingWork.contains(work) else { return }
                logger.error("\(work.name) changed nothing and is tried again in \(Int(pause)) s")
            } catch {
                guard !Task.isCancelled else { return }
                logger.error("\(work.name) failed and is tried again in \(Int(pause)) s: \(error)")
            }
            try? await Task.sleep(for: .seconds(pause))
            pause = min(2 * pause, 60)
        }
    }

    private func carryOut(_ work: Work) async throws {
        switch work {
        case .makeInitialModel(let study, let plan): try await makeInitialModel(study, plan)
        case .fold(let work): try await fold(work)
        case .evaluate(let work): try await evaluate(work)
        case .judge(let work): try await judge(work)
        case .delete(let work): try await delete(work)
        }
    }

    private func makeInitialModel(_ study: String, _ plan: StudyPlan) async throws {
        let path = store.objects.temporary("\(study).initial")
        let (objects, make) = (store.objects, means.makeModel)
        let made = try await Self.onThread { () throws -> ObjectReference? in
            switch plan.initial {
            case .preset: try make(plan, path)
            case .weights(let digest):
                try InitialModel.adapt(objects.path(of: digest), digest: digest, plan, path: path)
            }
        }
        if let made {
            try await keep(path, as: made, by: .initialModelMade(study: study, model: made))
        } else if case .weights(let digest) = plan.initial, let bytes = objects.size(of: digest) {
            try await perform(
                .initialModelMade(study: study, model: ObjectReference(digest: digest, bytes: bytes)))
        }
    }

    private func fold(_ work: FoldWork) async throws {
        let path = store.objects.temporary("\(work.round.study).\(work.round.round).\(work.round.attempt).fold")
        let objects = store.objects
        let (verdicts, candidate) = try await Self.onThread { try work.carryOut(objects, to: path) }
        let command = Command.folded(round: work.round, verdicts: verdicts, candidate: candidate)
        if let candidate {
            try await keep(path, as: candidate, by: command)
        } else {
            try await perform(command)
        }
    }

    private func evaluate(_ work: EvaluationWork) async throws {
        do {
            let report = try await means.evaluate(work, store.objects)
            let object = try await write(report)
            try await keep(
                object.path, as: object.reference,
                by: .coordinatorEvaluated(round: work.round, report: object.reference, problem: nil))
        } catch let problem as Problem {
            throw problem
        } catch {
            guard !Task.isCancelled else { return }
            // A crash there costs the evaluation, not the round.
            try await perform(.coordinatorEvaluated(round: work.round, report: nil, problem: "\(error)"))
        }
    }

    private func judge(_ work: JudgeWork) async throws {
        let objects = store.objects
        let judgement = try await Self.onThread { try work.carryOut(objects) }
        try await perform(.judged(round: work.round, judgement))
    }

    private func delete(_ work: DeletionWork) async throws {
        let objects = store.objects
        try await perform(.deleted(round: work.round, objects: work.objects)) { db in
            // In the line in which all is decided: a release made just now may need the model.
            guard self.state.pendingWork.contains(.delete(work)) else { return }
            for file in work.files { objects.remove(file) }
            for file in work.files { try ObjectRecord.deleteOne(db, key: file) }
            try UploadRecord.forget(work.round, in: db)
        }
    }

    /// Makes a finished file an object and says so in the transcript: the file first, then both rows at once.
    func keep(_ path: String, as reference: ObjectReference, by command: Command, actor: String? = nil) async throws {
        try await keep(path, as: reference, by: command, actor: actor) { _ in }
    }

    /// - Parameter effects: changes of the small tables that belong to it, in the same transaction.
    func keep(
        _ path: String, as reference: ObjectReference, by command: Command, actor: String? = nil,
        alongside effects: @escaping @Sendable (Database) throws -> Void
    ) async throws {
        let (objects, now) = (store.objects, means.now())
        try await Self.onThread { try objects.adopt(path, as: reference) }
        do throws(Problem) {
            try await perform(command, by: actor) { db in
                try ObjectRecord.enter(reference, at: now, in: db)
                try effects(db)
            }
        } catch {
            await discard(reference.digest)
            throw error
        }
        objects.removeTemporary(path)
        if !state.refers(to: reference.digest) { await discard(reference.digest) }
    }

    /// Removes an object that nothing came to refer to.
    func discard(_ digest: String) async {
        let objects = store.objects
        do {
            try await store.transaction { db in
                guard !self.state.refers(to: digest) else { return }
                try ObjectRecord.deleteOne(db, key: digest)
                objects.remove(digest)
            }
        } catch {
            logger.error("The object \(digest), which nothing refers to, could not be removed: \(error)")
        }
    }

    /// Brings a model of the operator's into the object store, for a study to begin with. Without one it stays a day.
    package func importModel(_ file: String) async throws -> ObjectReference {
        let (objects, now) = (store.objects, means.now())
        let reference = try await Self.onThread { try objects.take(copyOf: file) }
        try await store.transaction { db in try ObjectRecord.enter(reference, at: now, in: db) }
        return reference
    }

    /// Writes a message as a file to be made an object.
    func write(_ message: some Encodable) async throws -> (path: String, reference: ObjectReference) {
        let bytes = Array(try MessageCoding.encode(message).utf8)
        let objects = store.objects
        return try await Self.onThread { try objects.write(bytes) }
    }

    /// Runs something long on a thread of its own, so that requests are answered meanwhile.
    static func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global(qos: .utility).async { continuation.resume(with: Result(catching: body)) }
        }
    }
}

extension Work {
    /// What it is called: of two works with one name only one is under way.
    var name: String {
        switch self {
        case .makeInitialModel(let study, _): "making the initial model of \(study)"
        case .fold(let work): "folding \(work.round)"
        case .evaluate(let work): "evaluating \(work.round)"
        case .judge(let work): "judging \(work.round)"
        case .delete(let work): "deleting updates of \(work.round)"
        }
    }
}
