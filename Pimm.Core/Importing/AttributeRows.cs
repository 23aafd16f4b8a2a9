using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Npgsql;
using Pimm.Core.Database;
using Pimm.Core.Statistics;

namespace Pimm.Core.Importing;

/// <summary>Rows that carry an audience's attributes: customers, and impressions of the past.</summary>
internal abstract class AttributeRows(Audience audience, DelimitedReader file, MappedColumns columns) : FileRows(file)
{
    private readonly double[] _numbers = new double[audience.Attributes.Count];

    protected Audience Audience { get; } = audience;

    protected MappedColumns Columns { get; } = columns;

    protected string Key { get; private set; } = "";

    protected Guid Customer { get; private set; }

    /// <summary>What a mapping left out, as a sentence; none where nothing was.</summary>
    public IEnumerable<string> LeftOut => Columns.LeftOut.Count == 0 ? [] : [$"{File.Source}: the mapping says nothing of {string.Join(", ", Columns.LeftOut.Take(20))}{(Columns.LeftOut.Count > 20 ? " and others" : "")}; what stands there was left out."];

    protected override Guid? CustomerOfBadRow => Customer == default ? null : Customer;

    public override ImportProblem? Take()
    {
        if (TakeKey() is { } problem)
        {
            return problem;
        }
        for (var attribute = 0; attribute < _numbers.Length; attribute++)
        {
            var place = Columns.Attributes[attribute];
            if (place >= 0 && Audience.Attributes[attribute].IsNumber && !TryNumber(File[place], out _numbers[attribute]))
            {
                return NoNumber(File[place], Columns.Names[attribute]);
            }
        }
        return null;
    }

    /// <summary>The current row's number, NaN for a missing one and for text.</summary>
    protected double Number(int attribute) => Audience.Attributes[attribute].IsNumber ? _numbers[attribute] : double.NaN;

    /// <summary>Writes the columns before the attributes.</summary>
    protected abstract void WriteKeys(CopyWriter import);

    public override void Write(CopyWriter import)
    {
        WriteKeys(import);
        for (var attribute = 0; attribute < _numbers.Length; attribute++)
        {
            var place = Columns.Attributes[attribute];
            if (place < 0 || File[place].IsEmpty)
            {
                import.WriteNull();
            }
            else if (Audience.Attributes[attribute].IsNumber)
            {
                import.Write(_numbers[attribute]);
            }
            else
            {
                import.WriteText(File[place]);
            }
        }
    }

    /// <summary>A finite invariant number; an empty field is a missing one, minus zero is zero.</summary>
    protected static bool TryNumber(ReadOnlySpan<byte> field, out double number)
    {
        number = double.NaN;
        if (field.IsEmpty)
        {
            return true;
        }
        var parsed = Utf8Parser.TryParse(field, out number, out var read) && read == field.Length && double.IsFinite(number);
        number += 0.0;
        return parsed;
    }

    private ImportProblem? TakeKey()
    {
        Customer = default;
        Key = Columns.Key is { } place ? Encoding.UTF8.GetString(File[place]) : string.Create(CultureInfo.InvariantCulture, $"row-{File.Rows}");
        if (CustomerKey.Problem(Key) is { } wrong)
        {
            Customer = Key.Length == 0 ? default : CustomerHash.Of(Key);
            // What is no key may be a name or an address.
            return new ImportProblem(File.Line, Columns.KeyColumn, wrong.Code, wrong.Message) { Value = MaskedText.Hidden(Key) };
        }
        Customer = CustomerHash.Of(Key);
        return null;
    }

    private ImportProblem NoNumber(ReadOnlySpan<byte> field, string column)
    {
        var shown = MaskedText.Of(field);
        var form = field.Contains((byte)',') && field.IndexOfAnyExcept("0123456789.,-+ "u8) < 0 ? " as this file's country writes it" : "";
        return new ImportProblem(File.Line, column, ImportCode.BadNumber,
            form.Length > 0 ? $"'{shown}' is a number{form}; write it as 1234.56." : $"'{shown}' is no number; write it as 1234.56, or leave it empty when unknown.") { Value = shown };
    }
}

/// <summary>What a customer's key may be: a source system's own reference, never an identifier of the person.</summary>
internal static class CustomerKey
{
    public const int Longest = 200;

    /// <returns>null for a key that can be used</returns>
    public static (string Code, string Message)? Problem(string key)
    {
        if (key.Length is 0 or > Longest)
        {
            return (ImportCode.BadKey, $"the key has {key.Length} characters; give each customer a key of 1 to {Longest}.");
        }
        if (IsScientific(key))
        {
            return (ImportCode.ScientificKey, "the key is a number as a spreadsheet rounds it; format the column as text and export the file again.");
        }
        foreach (var letter in key)
        {
            if (!char.IsAsciiLetterOrDigit(letter) && letter is not ('.' or '_' or ':' or '-'))
            {
                return (ImportCode.BadKey, $"the key '{MaskedText.Hidden(key)}' holds {Shown(letter)}; a key is made of the letters A to Z, digits and . _ : -");
            }
        }
        return null;
    }

    /// <summary>Digits, a point or none, digits, E and + with digits: 1.2E+11. Without point and + it may be a code, as 12E4.</summary>
    private static bool IsScientific(string key)
    {
        var exponent = key.IndexOfAny(['E', 'e']);
        if (exponent < 1 || exponent == key.Length - 1)
        {
            return false;
        }
        var mantissa = key.AsSpan(0, exponent);
        var power = key.AsSpan(exponent + 1);
        var marked = mantissa.Contains('.') || power[0] == '+';
        return marked && mantissa.IndexOfAnyExcept("0123456789.") < 0 && mantissa.Count('.') <= 1 && char.IsAsciiDigit(mantissa[0])
            && power.TrimStart('+').IndexOfAnyExceptInRange('0', '9') < 0;
    }

    private static string Shown(char letter) => letter switch
    {
        '@' => "an @",
        ' ' => "a space",
        > ' ' and < '\u007f' => $"'{letter}'",
        _ => string.Create(CultureInfo.InvariantCulture, $"the character U+{(int)letter:X4}"),
    };
}
