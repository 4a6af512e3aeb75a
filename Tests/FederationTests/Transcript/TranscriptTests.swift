import Federation
import Testing

@Suite("Transcript")
struct TranscriptTests {
    static func rows(_ count: Int) throws -> [TranscriptRow] {
        var head = Transcript.beginning
        return try (0..<count).map { index in
            let row = try TranscriptRow(
                after: head, time: Timestamp(milliseconds: Int64(index) * 1000),
                event: .siteAdded(site: "site-\(index)"), actor: index % 2 == 0 ? "operator" : nil)
            head = row.head
            return row
        }
    }

    @Test("a row is the digest of what it says and of all before it")
    func chain() throws {
        let rows = try Self.rows(3)
        #expect(rows[0].text == #"{"actor":"operator","event":{"siteAdded":{"site":"site-0"}},"version":1}"#)
        // Of Python's hashlib, over the line "<64 zeros>\n1\n0\n<text>\n".
        #expect(rows[0].hash == "acdd668dd7beec564f2e2419b8ecfc0ee3bcbae5edd91df0b6c03f72572a6316")
        #expect(rows[1].previous == rows[0].hash)
        #expect(try Transcript.verify(rows) == rows[2].head)
    }

    @Test("any of a thousand edits is found at the row it begins with")
    func edits() throws {
        let rows = try Self.rows(40)
        let witness = rows[39].head
        var random = SeededGenerator(seed: 7)
        var found = 0
        for _ in 0..<1000 {
            var forged = rows
            let at = random.below(forged.count)
            var first = at + 1
            switch random.below(8) {
            case 0: forged[at].time.milliseconds += 1 + Int64(random.below(1000))
            case 1: forged.remove(at: at)
            case 2:
                let other = (at + 1 + random.below(forged.count - 1)) % forged.count
                forged.swapAt(at, other)
                first = min(at, other) + 1
            case 3: forged.removeLast(1 + random.below(forged.count - 1)); first = forged.count + 1
            case 4: forged[at].sequence += 1
            case 5: forged.insert(forged[at], at: at); first = at + 2
            case 6:
                // Written anew from here to the end: the chain holds, only the witness knows better.
                var head = at == 0 ? Transcript.beginning : forged[at - 1].head
                for index in at..<forged.count {
                    let event = Event.siteAdded(site: "forged-\(index)")
                    forged[index] = try TranscriptRow(after: head, time: forged[index].time, event: event)
                    head = forged[index].head
                }
                first = 40
            default:
                var bytes = Array(forged[at].text.utf8)
                bytes[random.below(bytes.count)] ^= 1
                forged[at].text = String(decoding: bytes, as: UTF8.self)
            }
            do {
                _ = try Transcript.verify(forged, witnessed: [witness])
            } catch {
                if error.row == first { found += 1 }
            }
        }
        #expect(found == 1000)
    }

    @Test("an end that was seen is part of the transcript or is not")
    func heads() throws {
        let rows = try Self.rows(5)
        let hash = { (sequence: Int) in rows.indices.contains(sequence - 1) ? rows[sequence - 1].hash : nil }
        #expect(Transcript.contains(rows[3].head, hash: hash))
        #expect(Transcript.contains(Transcript.beginning, hash: hash))
        #expect(!Transcript.contains(TranscriptHead(sequence: 6, hash: rows[4].hash), hash: hash))
        #expect(!Transcript.contains(TranscriptHead(sequence: 2, hash: rows[3].hash), hash: hash))
    }

    @Test("a row of a later program is refused with its number")
    func unknown() throws {
        var row = try Self.rows(1)[0]
        row.text = #"{"event":{"siteAdded":{"site":"a"}},"version":2}"#
        #expect { try row.entry() } throws: { "\($0)".contains("row 1") && "\($0)".contains("version 2") }
        row.text = #"{"event":{"siteBeamedUp":{"site":"a"}},"version":1}"#
        #expect { try row.entry() } throws: { "\($0)".contains("newer") }
    }
}
