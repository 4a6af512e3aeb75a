import NIOCore

/// The requests and answers of one connection, as far as the connection's end depends on them.
struct ExchangeState {
    /// Requests whose answer is not complete.
    private(set) var open = 0
    private var isReadingBody = false
    private var awaitsInvitation = false
    private var hasBegunAnswer = false
    private var closesAfterAnswer = false
    private(set) var isEnding = false

    /// Whether a request may still be answered from here because its head could not even be parsed.
    var mayAnswerForRouter: Bool { open == 0 && !isEnding }

    mutating func headRead(expectsContinue: Bool) {
        open += 1
        isReadingBody = true
        awaitsInvitation = expectsContinue
    }

    mutating func bodyRead() {
        isReadingBody = false
        awaitsInvitation = false
    }

    /// The router wants the body.
    /// - Returns: Whether the peer must be told to send it.
    mutating func bodyWanted() -> Bool {
        defer { awaitsInvitation = false }
        return awaitsInvitation && !hasBegunAnswer && !isEnding
    }

    /// The final answer's head is about to be written.
    /// - Returns: Whether the connection ends after it: the peer was refused before it sent everything, and what it would
    ///   still send is not read to find the next request.
    mutating func answerBegins(status: Int) -> Bool {
        hasBegunAnswer = true
        if isReadingBody, status >= 400 { closesAfterAnswer = true }
        return closesAfterAnswer
    }

    /// - Returns: Whether the connection ends now.
    mutating func answerEnded() -> Bool {
        open -= 1
        hasBegunAnswer = false
        guard closesAfterAnswer, open <= 0 else { return false }
        isEnding = true
        return true
    }

    /// Whether somebody waits for an answer of which nothing was sent yet, and has said all it will say.
    var isWaiting: Bool { open > 0 && !isReadingBody && !hasBegunAnswer }

    /// The listener stops.
    /// - Returns: Whether the connection ends now.
    mutating func stops() -> Bool {
        closesAfterAnswer = true
        return open == 0
    }

    mutating func ends() { isEnding = true }
}
