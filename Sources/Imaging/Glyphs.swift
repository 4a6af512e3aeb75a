/// The letters of pictures, five pixels wide and seven high.
enum Glyphs {
    static let width = 5
    static let height = 7

    /// From the top, the pixels of each row with the leftmost in bit 4; nothing for a letter that is not there.
    static func rows(of character: Character) -> [UInt8] { table[character] ?? [] }

    private static let table = drawn.mapValues { $0.compactMap { UInt8(String($0), radix: 32) } }

    /// A digit to the base 32 a row.
    private static let drawn: [Character: String] = [
        "A": "ehhvhhh", "B": "uhhuhhu", "C": "ehggghe", "D": "uhhhhhu", "E": "vgguggv",
        "F": "vgguggg", "G": "ehgnhhe", "H": "hhhvhhh", "I": "e44444e", "J": "72222ic",
        "K": "hikokih", "L": "ggggggv", "M": "hrllhhh", "N": "hhpljhh", "O": "ehhhhhe",
        "P": "uhhuggg", "Q": "ehhhlid", "R": "uhhukih", "S": "fgge11u", "T": "v444444",
        "U": "hhhhhhe", "V": "hhhhha4", "W": "hhhllla", "X": "hha4ahh", "Y": "hha4444",
        "Z": "v1248gv", "a": "00e1fhf", "b": "ggmphhu", "c": "00egghe", "d": "11djhhf",
        "e": "00ehvge", "f": "698s888", "g": "0fhhf1e", "h": "ggmphhh", "i": "40c444e",
        "j": "20622ic", "k": "ggikoki", "l": "c44444e", "m": "00qllhh", "n": "00mphhh",
        "o": "00ehhhe", "p": "00uhugg", "q": "00djf11", "r": "00mpggg", "s": "00fge1u",
        "t": "88s8896", "u": "00hhhjd", "v": "00hhha4", "w": "00hhlla", "x": "00ha4ah",
        "y": "00hhf1e", "z": "00v248v", "0": "ehjlphe", "1": "4c4444e", "2": "eh1248v",
        "3": "v2421he", "4": "26aiv22", "5": "vgu11he", "6": "68guhhe", "7": "v124888",
        "8": "ehhehhe", "9": "ehhf12c", ".": "00000cc", ",": "0000c48", ":": "0cc0cc0",
        "-": "000v000", "%": "op248j3", "(": "2488842", ")": "8422248", "/": "01248g0",
        "+": "044v440", "=": "00v0v00", "_": "000000v",
    ]
}
