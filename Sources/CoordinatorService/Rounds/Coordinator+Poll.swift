import Cryptography
package import Federation
import Synchronization

extension Coordinator {
    /// Seconds a question may wait for its answer.
    package static var longestWait: Int { 55 }

    /// Answers a site that asks for work: at once when something is new to it, otherwise when something is, when the
    /// time is over, or when the service ends.
    package func poll(_ request: PollRequest, from site: String) async throws(Problem) -> PollAnswer {
        try request.check()
        attendance.note(site, request, at: means.now())
        let clock = ContinuousClock()
        let end = clock.now.advanced(by: .seconds(request.wait))
        do {
            while true {
                let version = changes.version
                let answer = try await answer(site, head: request.head)
                let left = clock.now.duration(to: end)
                guard answer.token == request.known, answer.knowsHead, left > .zero, mayWait,
                    !Task.isCancelled, state.sites[site]?.standing == .active
                else { return answer }
                await changes.wait(past: version, atMost: left)
            }
        } catch {
            throw problem(error)
        }
    }

    private func answer(_ site: String, head seen: TranscriptHead?) async throws -> PollAnswer {
        let (state, head) = current.withLock { ($0.state, $0.head) }
        let studies = try state.offers(for: site).map {
            StudyOffer(
                name: $0.document.study, plan: try signer.sign($0.document), standing: $0.standing, state: $0.state,
                round: $0.round)
        }
        var answer = PollAnswer(
            token: "", now: means.now(), head: head, knowsHead: true, studies: studies,
            assignments: try state.assignments(for: site).map(signer.sign),
            verdicts: try state.verdicts(for: site).map(signer.sign), releases: state.releases(for: site))
        answer.token = try answer.concern()
        if let seen { answer.knowsHead = try await store.knows(seen) }
        return answer
    }

    /// Takes a site's report: kept as an object of its own, which the transcript names.
    package func takeReport(_ report: Signed<EvaluationReport>, from site: String) async throws(Problem) {
        do {
            let file = try await write(report)
            defer { store.objects.removeTemporary(file.path) }
            try await keep(
                file.path, as: file.reference, by: .report(report, from: site, object: file.reference), actor: site)
        } catch {
            throw problem(error)
        }
    }
}

extension PollAnswer {
    /// Names all that concerns the site: neither the time nor the transcript's growth elsewhere.
    func concern() throws -> String {
        var hash = SHA256()
        hash.update(try MessageCoding.encode(studies))
        hash.update(try MessageCoding.encode(assignments))
        hash.update(try MessageCoding.encode(verdicts))
        hash.update(try MessageCoding.encode(releases))
        return hash.finish()
    }
}

extension PollRequest {
    func check() throws(Problem) {
        guard (0...Coordinator.longestWait).contains(wait), software.utf8.count <= 300, activities.count <= 64,
            activities.allSatisfy({ Name.isValid($0.round.study) && $0.done >= 0 && $0.total >= 0 }),
            known?.utf8.count ?? 0 <= 64
        else {
            throw Problem(
                .malformed, "The question for work is out of range: wait is 0 to 55, software at most 300 bytes.")
        }
    }
}
