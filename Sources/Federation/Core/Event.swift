/// What happened: the only things the coordinator's state is made of. A closed list; each is a row of the transcript.
///
/// No secret and nothing of a patient is ever in an event. Times are those of the rows.
package enum Event: Codable, Sendable, Equatable {
    // The federation and its sites.
    case federationCreated(name: String, coordinatorKey: String, rootKey: String)
    case siteAdded(site: String)
    /// A one-time code was printed; it is kept hashed elsewhere.
    case codeIssued(site: String, expires: Timestamp)
    case codeBurned(site: String, reason: String)
    case enrolmentRequested(site: String, publicKey: String, signingKey: String)
    case enrolmentRefused(site: String, publicKey: String, reason: String)
    case siteApproved(site: String, publicKey: String, signingKey: String)
    case keyRenewed(site: String, publicKey: String)
    case siteRevoked(site: String, reason: String)

    // Studies.
    case studyCreated(study: String, plan: String, text: String)
    case studyAmended(study: String, plan: String, text: String, reason: String)
    case consentGiven(study: String, site: String, plan: String, signature: String)
    case consentRefused(study: String, site: String, plan: String, reason: String, signature: String)
    case initialModelMade(study: String, model: ObjectReference)
    case studyStarted(study: String)
    case studyPaused(study: String, reason: String)
    case studyResumed(study: String)
    case studyAborted(study: String, reason: String)
    case studyFinished(study: String)
    /// Updates are no longer kept for repeating folds.
    case studyPurged(study: String, reason: String)

    // Rounds.
    case roundOpened(round: RoundReference, plan: String, base: ObjectReference, sites: [String], globalStep: Int)
    case siteJoined(round: RoundReference, site: String)
    case siteLeft(round: RoundReference, site: String, reason: String)
    case updateReceived(round: RoundReference, update: ReceivedUpdate, header: Signed<UpdateHeader>)
    case siteDeclined(
        round: RoundReference, site: String, kind: Assignment.Kind, reason: Refusal.Reason, detail: String)
    case deadlinePassed(round: RoundReference, phase: Round.Phase)
    case roundExtended(round: RoundReference)
    case foldStarted(round: RoundReference, sites: [String])
    case folded(round: RoundReference, verdicts: [FoldVerdict], candidate: ObjectReference?)
    case evaluationStarted(round: RoundReference, sites: [String])
    /// The signed report is kept as an object of its own.
    case reportReceived(round: RoundReference, site: String, report: ObjectReference, cases: [Int])
    case coordinatorEvaluated(round: RoundReference, report: ObjectReference?, problem: String?)
    case judgementStarted(round: RoundReference, sites: [String])
    case gateDecided(round: RoundReference, decision: GateDecision)
    case roundCommitted(round: RoundReference, model: ObjectReference)
    case candidateHeld(round: RoundReference, candidate: ObjectReference)
    case roundFailed(round: RoundReference, reason: String)
    case updatesDeleted(round: RoundReference, objects: [String])

    // Models and the record.
    case releaseCreated(study: String, card: Signed<ReleaseCard>)
    case releasePromoted(release: String, card: Signed<ReleaseCard>)
    case releaseHeld(release: String, card: Signed<ReleaseCard>, reason: String)
    case lockedTestOpened(study: String, model: String, purpose: String)
    case operatorEvaluated(study: String, model: String, set: String, figures: [ReleaseCard.Figure])
    /// The history after `from` is not in the backup.
    case coordinatorRestored(from: TranscriptHead, reason: String)
}
