import Federation
import Identity

extension EnrolmentCodeRecord {
    /// Wrong answers that burn a code.
    static let triesAllowed = 5

    /// Whether somebody may still enrol with it, or fetch what an approval gave.
    func isOpen(at now: Timestamp) -> Bool { tries < Self.triesAllowed && now.milliseconds < expires }

    /// What a request made with a code comes to.
    enum Judgement: Equatable {
        /// The confirmation is right: the request's key is the one that is meant.
        case confirmed
        /// It is wrong; the count of tries is to be kept before the answer is given.
        case wrong(tries: Int)
        /// It is not looked at.
        case refused(Problem)
    }

    /// Judges a request.
    /// - Parameters:
    ///   - key: SHA-256 of the key in the certificate request, which its own signature has proved.
    ///   - exporter: of the connection it came over.
    func judge(
        _ request: EnrolmentRequest, key: String, signingKey: VerifyingKey, exporter: [UInt8], now: Timestamp
    ) -> Judgement {
        guard tries < Self.triesAllowed else { return .refused(Self.burned(site)) }
        guard now.milliseconds < expires else {
            return .refused(
                Problem(
                    .codeExpired,
                    "the code of \(site) ended at \(Timestamp(milliseconds: expires)); ask the operator for a new one"))
        }
        let isRight = EnrolmentCode.isConfirmed(
            request.confirmation, key: Hexadecimal.decode(secret) ?? [], request: key, signingKey: signingKey,
            exporter: exporter)
        return isRight && !secret.isEmpty ? .confirmed : .wrong(tries: tries + 1)
    }

    static func burned(_ site: String) -> Problem {
        Problem(
            .codeBurned,
            "the code of \(site) was burned by \(triesAllowed) wrong tries; ask the operator for a new one")
    }
}
