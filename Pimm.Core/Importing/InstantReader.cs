using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Pimm.Core.Importing;

/// <summary>In which order a file writes day, month and year.</summary>
public enum DateOrder { DayMonthYear, MonthDayYear, YearMonthDay }

/// <summary>Instants in files: ISO 8601 with an offset, or local times where the file's zone was named.</summary>
/// <param name="order">null: a date that can be read in two ways is not guessed</param>
/// <param name="zone">of times without an offset; null: those are refused</param>
public sealed class InstantReader(DateOrder? order = null, TimeZoneInfo? zone = null)
{
    private static readonly DateOrder[] Orders = [DateOrder.DayMonthYear, DateOrder.MonthDayYear, DateOrder.YearMonthDay];

    /// <returns>null, or what is wrong with the field</returns>
    public ImportProblem? Read(ReadOnlySpan<byte> field, long line, string column, out DateTimeOffset instant)
    {
        if (InstantText.TryParse(field, out instant))
        {
            return null;
        }
        var shown = MaskedText.Of(field);
        return ReadLocal(field, shown, out instant) is { } wrong
            ? new ImportProblem(line, column, wrong.Code, wrong.Message) { Value = shown }
            : null;
    }

    private (string Code, string Message)? ReadLocal(ReadOnlySpan<byte> field, string shown, out DateTimeOffset instant)
    {
        instant = default;
        var end = field.IndexOfAny((byte)' ', (byte)'T');
        var date = end < 0 ? field : field[..end];
        if (!TryGroups(date, out var groups, out var yearFirst, out var yearLast) || !TryTime(end < 0 ? default : field[(end + 1)..], out var time, out var offset))
        {
            return (ImportCode.BadTime, $"'{shown}' is no instant; {InstantText.Expected}");
        }
        var days = Days(groups, yearFirst, yearLast);
        if (days.Count != 1)
        {
            return days.Count == 0
                ? (ImportCode.BadTime, $"'{shown}' is no day of the calendar; {InstantText.Expected}")
                : (ImportCode.AmbiguousDate, $"'{shown}' can be {string.Join(" or ", days.Select(day => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)))}; say --date-order dmy, mdy or ymd.");
        }
        var local = days[0].ToDateTime(TimeOnly.MinValue) + time;
        if (offset is { } given)
        {
            instant = new DateTimeOffset(local, given).ToUniversalTime();
            return null;
        }
        return Place(local, shown, out instant);
    }

    private (string Code, string Message)? Place(DateTime local, string shown, out DateTimeOffset instant)
    {
        instant = default;
        if (zone is null)
        {
            return (ImportCode.BadTime, $"'{shown}' has no offset and the file's zone is not known; name it with --zone, as Europe/Berlin, or {InstantText.Expected}");
        }
        if (zone.IsInvalidTime(local))
        {
            return (ImportCode.TimeInGap, $"'{shown}' does not exist in {zone.Id}: the clocks were put forward over it; write it with its offset.");
        }
        // Where the clocks go back an hour comes twice: the first one is meant.
        var offset = zone.IsAmbiguousTime(local) ? zone.GetAmbiguousTimeOffsets(local).Max() : zone.GetUtcOffset(local);
        instant = new DateTimeOffset(local, offset).ToUniversalTime();
        return null;
    }

    private List<DateOnly> Days(int[] groups, bool yearFirst, bool yearLast)
    {
        var days = new List<DateOnly>();
        foreach (var candidate in Orders)
        {
            var fits = yearFirst ? candidate == DateOrder.YearMonthDay
                : (order is null || candidate == order) && !(yearLast && candidate == DateOrder.YearMonthDay);
            if (fits && DayOf(groups, candidate, yearFirst || yearLast) is { } day && !days.Contains(day))
            {
                days.Add(day);
            }
        }
        return days;
    }

    private static DateOnly? DayOf(int[] groups, DateOrder order, bool century)
    {
        var (year, month, day) = order switch
        {
            DateOrder.DayMonthYear => (groups[2], groups[1], groups[0]),
            DateOrder.MonthDayYear => (groups[2], groups[0], groups[1]),
            _ => (groups[0], groups[1], groups[2]),
        };
        year += century ? 0 : year < 70 ? 2000 : 1900;
        return year is >= 1000 and <= 9998 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month)
            ? new DateOnly(year, month, day)
            : null;
    }

    /// <summary>Three numbers between two equal signs of / . -, of which the first or the last may be a year of four digits.</summary>
    private static bool TryGroups(ReadOnlySpan<byte> date, out int[] groups, out bool yearFirst, out bool yearLast)
    {
        groups = new int[3];
        (yearFirst, yearLast) = (false, false);
        var first = date.IndexOfAny((byte)'/', (byte)'.', (byte)'-');
        if (first < 1)
        {
            return false;
        }
        var sign = date[first];
        var rest = date[(first + 1)..];
        var second = rest.IndexOf(sign);
        if (second < 1)
        {
            return false;
        }
        (yearFirst, yearLast) = (first == 4, rest.Length - second - 1 == 4);
        return TryNumber(date[..first], yearFirst, out groups[0]) && TryNumber(rest[..second], false, out groups[1])
            && TryNumber(rest[(second + 1)..], yearLast, out groups[2]) && !(yearFirst && yearLast);
    }

    private static bool TryNumber(ReadOnlySpan<byte> digits, bool isYear, out int number)
    {
        number = 0;
        return digits.Length <= (isYear ? 4 : 2) && Utf8Parser.TryParse(digits, out number, out var read) && read == digits.Length && number >= 0;
    }

    /// <summary>Nothing, or hours:minutes[:seconds[.fraction]] with or without an offset.</summary>
    private static bool TryTime(ReadOnlySpan<byte> field, out TimeSpan time, out TimeSpan? offset)
    {
        (time, offset) = (default, null);
        if (field.IsEmpty)
        {
            return true;
        }
        var sign = field.IndexOfAny((byte)'+', (byte)'-', (byte)'Z');
        var clock = Encoding.ASCII.GetString(sign < 0 ? field : field[..sign]).Trim();
        if (sign >= 0)
        {
            var text = Encoding.ASCII.GetString(field[(sign + 1)..]);
            if (field[sign] == 'Z')
            {
                offset = text.Length == 0 ? TimeSpan.Zero : null;
            }
            else if (TimeSpan.TryParseExact(text, ["hh\\:mm", "hhmm", "hh"], CultureInfo.InvariantCulture, out var given) && given <= TimeSpan.FromHours(14))
            {
                offset = field[sign] == '-' ? -given : given;
            }
            if (offset is null)
            {
                return false;
            }
        }
        return TimeSpan.TryParseExact(clock, ["h\\:mm", "hh\\:mm", "h\\:mm\\:ss", "hh\\:mm\\:ss", "hh\\:mm\\:ss\\.FFFFFFF"], CultureInfo.InvariantCulture, out time);
    }
}

/// <summary>Instants that are the same for every reader: ISO 8601, year first, with an offset.</summary>
internal static class InstantText
{
    public const string Expected = "write ISO 8601 with its offset, as 2026-03-28T14:05:00+08:00 or …Z.";

    /// <summary>Year first, with an offset: nothing to guess.</summary>
    public static bool TryParse(ReadOnlySpan<byte> field, out DateTimeOffset instant)
    {
        instant = default;
        if (field.Length is < 17 or > 35 || field[4] != '-' || field[7] != '-')
        {
            return false;
        }
        // Without an offset the reader would have to guess one.
        if (field[^1] != 'Z' && field[10..].IndexOfAny((byte)'+', (byte)'-') < 0)
        {
            return false;
        }
        Span<char> text = stackalloc char[35];
        var length = Encoding.UTF8.GetChars(field, text);
        return DateTimeOffset.TryParse(text[..length], CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out instant);
    }
}
