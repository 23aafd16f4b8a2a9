using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Pimm.Core.Datasets;

/// <summary>Reads a time column: whole numbers as they are, or ISO 8601 dates and times (UTC where no zone is given) as Unix microseconds.</summary>
internal static class RowTimes
{
    private static readonly string[] Forms =
    [
        "yyyy-MM-dd", "yyyy-MM-ddTHH:mmK", "yyyy-MM-dd HH:mmK",
        "yyyy-MM-ddTHH:mm:ssK", "yyyy-MM-dd HH:mm:ssK", "yyyy-MM-ddTHH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK",
    ];

    public static bool TryParse(ReadOnlySpan<byte> text, out long time)
    {
        if (Utf8Parser.TryParse(text, out time, out var used) && used == text.Length)
        {
            return true;
        }

        Span<char> letters = stackalloc char[40];
        if (text.Length > letters.Length || !Encoding.UTF8.TryGetChars(text, letters, out var length)
            || !DateTimeOffset.TryParseExact(letters[..length], Forms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment))
        {
            return false;
        }

        time = (moment - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        return true;
    }
}
