using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Npgsql;
using NpgsqlTypes;
using Pimm.Core.Statistics;

namespace Pimm.Core.Importing;

/// <summary>Rows that carry an audience's attributes: customers, and impressions of the past.</summary>
internal abstract class AttributeRows(Audience audience, DelimitedReader file) : FileRows(file)
{
    private readonly int _keyPlace = file.Names.PlaceOf(audience.KeyColumn);
    private readonly int[] _places = [.. audience.Attributes.Select(a => file.Names.PlaceOf(a.Name))];
    private readonly double[] _numbers = new double[audience.Attributes.Count];

    protected Audience Audience { get; } = audience;

    protected string Key { get; private set; } = "";

    protected Guid Customer { get; private set; }

    public override ImportProblem? Take()
    {
        Key = Encoding.UTF8.GetString(File[_keyPlace]);
        if (Key.Length is 0 or > 200)
        {
            return new ImportProblem(File.Line, Audience.KeyColumn, "bad_key", $"the key has {Key.Length} characters; give each customer a key of 1 to 200.");
        }
        Customer = CustomerHash.Of(Key);
        for (var attribute = 0; attribute < _places.Length; attribute++)
        {
            if (Audience.Attributes[attribute].IsNumber && !TryNumber(File[_places[attribute]], out _numbers[attribute]))
            {
                return new ImportProblem(File.Line, Audience.Attributes[attribute].Name, ImportProblem.BadNumber,
                    $"'{Shown(File[_places[attribute]])}' is no number; write it as 1234.56, or leave it empty when unknown.");
            }
        }
        return null;
    }

    /// <summary>The current row's number, NaN for a missing one and for text.</summary>
    protected double Number(int attribute) => Audience.Attributes[attribute].IsNumber ? _numbers[attribute] : double.NaN;

    /// <summary>Writes the columns before the attributes.</summary>
    protected abstract void WriteKeys(NpgsqlBinaryImporter import);

    public override void Write(NpgsqlBinaryImporter import)
    {
        WriteKeys(import);
        for (var attribute = 0; attribute < _places.Length; attribute++)
        {
            var field = File[_places[attribute]];
            if (field.IsEmpty)
            {
                import.WriteNull();
            }
            else if (Audience.Attributes[attribute].IsNumber)
            {
                import.Write(_numbers[attribute], NpgsqlDbType.Double);
            }
            else
            {
                import.Write(Encoding.UTF8.GetString(field), NpgsqlDbType.Text);
            }
        }
    }

    protected static string Shown(ReadOnlySpan<byte> field) =>
        Encoding.UTF8.GetString(field.Length <= 40 ? field : field[..40]);

    /// <summary>A finite invariant number; an empty field is a missing one.</summary>
    protected static bool TryNumber(ReadOnlySpan<byte> field, out double number)
    {
        number = double.NaN;
        return field.IsEmpty || (Utf8Parser.TryParse(field, out number, out var read) && read == field.Length && double.IsFinite(number));
    }
}

/// <summary>Rows of a customer file: one a customer.</summary>
internal sealed class CustomerRows(Audience audience, DelimitedReader file, int version) : AttributeRows(audience, file)
{
    private readonly HashSet<Guid> _seen = [];

    public override string Target => $"{Audience.CustomersTable} (customer, version, customer_key, {Audience.AttributeList()})";

    public override ImportProblem? Take() => base.Take() is { } problem ? problem
        : _seen.Add(Customer) ? null
        : new ImportProblem(File.Line, Audience.KeyColumn, "duplicate_key", $"customer '{Key}' stands in an earlier line too; keep one line a customer.");

    protected override void WriteKeys(NpgsqlBinaryImporter import)
    {
        import.Write(Customer, NpgsqlDbType.Uuid);
        import.Write(version, NpgsqlDbType.Integer);
        import.Write(Key, NpgsqlDbType.Text);
    }
}

/// <summary>Rows of a history file: one an impression, with the customer's attributes as they were then.</summary>
internal sealed class HistoryRows : AttributeRows
{
    public const string TimeColumn = "impression_at";
    public const string TargetedColumn = "targeted";
    public const string AmountColumn = "amount";

    private readonly int _timePlace;
    private readonly int[] _labelPlaces;
    private readonly int? _targetedPlace;
    private readonly int? _amountPlace;
    private readonly FunnelOrder _order;
    private readonly long _importFileId;
    private readonly bool[] _labels;
    private readonly LabelNotes _notes;
    private DateTimeOffset _time;
    private int _stage;
    private double _amount;

    public HistoryRows(Audience audience, DelimitedReader file, FunnelOrder order, long importFileId) : base(audience, file)
    {
        _timePlace = file.Names.PlaceOf(TimeColumn);
        _labelPlaces = [.. audience.Funnel.Select(file.Names.PlaceOf)];
        _targetedPlace = file.Names.Contains(TargetedColumn) ? file.Names.PlaceOf(TargetedColumn) : null;
        _amountPlace = file.Names.Contains(AmountColumn) ? file.Names.PlaceOf(AmountColumn) : null;
        (_order, _importFileId, _labels) = (order, importFileId, new bool[audience.Funnel.Length]);
        _notes = new LabelNotes(audience);
    }

    public override string Target =>
        $"{Audience.HistoryTable} (customer, impression_at, import_file_id, stage, targeted, amount, {Audience.AttributeList()})";

    public override ImportProblem? Take() => base.Take() ?? TakeTime() ?? TakeLabels() ?? TakeAmount();

    protected override void Note() => _notes.Add(_stage, Number);

    /// <summary>What a person should know of the rows taken in.</summary>
    public IReadOnlyList<string> Notes() => _notes.Sentences(File.Source);

    protected override void WriteKeys(NpgsqlBinaryImporter import)
    {
        import.Write(Customer, NpgsqlDbType.Uuid);
        import.Write(_time.UtcDateTime, NpgsqlDbType.TimestampTz);
        import.Write(_importFileId, NpgsqlDbType.Bigint);
        import.Write((short)_stage, NpgsqlDbType.Smallint);
        import.Write(_targetedPlace is not { } place || !File[place].SequenceEqual("0"u8), NpgsqlDbType.Boolean);
        if (double.IsNaN(_amount))
        {
            import.WriteNull();
        }
        else
        {
            import.Write(_amount, NpgsqlDbType.Double);
        }
    }

    private ImportProblem? TakeTime() => InstantText.TryParse(File[_timePlace], out _time)
        ? null
        : new ImportProblem(File.Line, TimeColumn, ImportProblem.BadTime, $"'{Shown(File[_timePlace])}' is no instant; {InstantText.Expected}");

    private ImportProblem? TakeLabels()
    {
        for (var task = 0; task < _labels.Length; task++)
        {
            var field = File[_labelPlaces[task]];
            if (field.Length != 1 || field[0] is not ((byte)'0' or (byte)'1'))
            {
                return new ImportProblem(File.Line, Audience.Funnel[task], ImportProblem.BadLabel, $"the label is '{Shown(field)}'; it must be 0 or 1.");
            }
            _labels[task] = field[0] == '1';
        }
        if (FunnelOrders.StageOf(_labels, _order) is { } stage)
        {
            _stage = stage;
            return null;
        }
        return new ImportProblem(File.Line, null, "funnel_order",
            $"a later stage of {string.Join(" > ", Audience.Funnel)} without the one before it; correct the labels or choose --order cascade-up or cascade-down.");
    }

    private ImportProblem? TakeAmount()
    {
        _amount = double.NaN;
        return _amountPlace is not { } place || TryNumber(File[place], out _amount)
            ? null
            : new ImportProblem(File.Line, AmountColumn, ImportProblem.BadNumber, $"'{Shown(File[place])}' is no amount; write it as 1234.56.");
    }
}

/// <summary>Instants in files: ISO 8601 with an offset.</summary>
internal static class InstantText
{
    public const string Expected = "write ISO 8601 with its offset, as 2026-03-28T14:05:00+08:00 or …Z.";

    public static bool TryParse(ReadOnlySpan<byte> field, out DateTimeOffset instant)
    {
        instant = default;
        if (field.Length is < 17 or > 35)
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
