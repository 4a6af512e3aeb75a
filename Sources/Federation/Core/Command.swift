/// What somebody wants of the coordinator: an operator, a site, or the service with the result of a piece of work.
///
/// Every command may come twice: what is already so gives no events, what is no longer possible a ``Problem``.
package enum Command: Sendable, Equatable {
    // Operators, and enrolment.
    case createFederation(name: String, coordinatorKey: String, rootKey: String)
    /// Adds the site if it is new; a revoked site may be added anew.
    case issueCode(site: String, expires: Timestamp)
    case burnCode(site: String, reason: String)
    case requestEnrolment(site: String, publicKey: String, signingKey: String)
    case approveSite(site: String, publicKey: String)
    case refuseSite(site: String, publicKey: String, reason: String)
    case renewKey(site: String, publicKey: String)
    case revokeSite(site: String, reason: String)
    case createStudy(text: String)
    case amendStudy(study: String, text: String, reason: String)
    case startStudy(study: String)
    case pauseStudy(study: String, reason: String)
    case resumeStudy(study: String)
    case abortStudy(study: String, reason: String)
    /// Drops the open round and opens it again as its next attempt.
    case restartRound(study: String, reason: String)
    /// Goes on with what is there, as if the deadline had passed now.
    case closeRound(study: String)
    /// Gives up the updates a study that is over still keeps.
    case purgeStudy(study: String, reason: String)
    case createRelease(study: String, card: Signed<ReleaseCard>)
    case promoteRelease(card: Signed<ReleaseCard>)
    case holdRelease(card: Signed<ReleaseCard>, reason: String)
    case openLockedTest(study: String, model: String, purpose: String)
    case recordEvaluation(study: String, model: String, set: String, figures: [ReleaseCard.Figure])
    case recordRestore(from: TranscriptHead, reason: String)

    // Sites. `site` is the peer of the connection.
    case consent(Signed<Consent>, from: String)
    /// All bytes are durable and the update's verifier has passed them.
    case receive(Signed<UpdateHeader>, from: String, norm: Double)
    case decline(Signed<Refusal>, from: String)
    /// `object` is where the signed report, as JSON, is kept.
    case report(Signed<EvaluationReport>, from: String, object: ObjectReference)

    // The service.
    case initialModelMade(study: String, model: ObjectReference)
    case deadline(RoundClock)
    /// `candidate` is nil when every update was rejected.
    case folded(round: RoundReference, verdicts: [FoldVerdict], candidate: ObjectReference?)
    case coordinatorEvaluated(round: RoundReference, report: ObjectReference?, problem: String?)
    case judged(round: RoundReference, Judgement)
    case deleted(round: RoundReference, objects: [String])
    /// Nothing but what follows from the state by itself; after a start.
    case settle
}
