using System.Globalization;
using System.Text;
using Pimm.Core.FeatureEncoding;
using Pimm.Core.Importing;

namespace Pimm.Core.Datasets;

/// <summary>The labels, amounts, times, parts and true probabilities of all rows that are kept, and which rows of the file those are.</summary>
internal sealed class RowLabels
{
    private readonly DatasetColumns _columns;
    private readonly FunnelOrder _rule;
    private readonly string _source;
    private readonly List<byte> _labels = [];
    private readonly List<long> _fileRows = [];
    private readonly List<float> _amounts = [];
    private readonly List<long> _times = [];
    private readonly List<Split> _givenParts = [];
    private readonly List<double> _truth = [];
    private readonly List<int> _customers = [];
    private readonly Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> _numbers =
        new Dictionary<byte[], int>(Utf8Key.Comparer).GetAlternateLookup<ReadOnlySpan<byte>>();
    private readonly List<long> _brokenLines = [];
    private string _firstBreak = "";

    public RowLabels(DatasetColumns columns, FunnelOrder rule, string source)
    {
        _columns = columns;
        _rule = rule;
        _source = source;
    }

    public int Tasks => _columns.Tasks.Count;

    public int Rows => _fileRows.Count;

    /// <summary>Rows whose labels were out of order: left out or repaired, as the rule says.</summary>
    public long Broken { get; private set; }

    public ReadOnlySpan<byte> Labels => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_labels);

    public ReadOnlySpan<float> Amounts => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_amounts);

    public ReadOnlySpan<long> Times => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_times);

    /// <summary><see cref="Split.Train"/> or <see cref="Split.Test"/> as the part column says; empty without one.</summary>
    public ReadOnlySpan<Split> GivenParts => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_givenParts);

    /// <summary>The number of each row's customer, from 0 in the order of their first rows; empty without a customer column.</summary>
    public ReadOnlySpan<int> Customers => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_customers);

    /// <summary>Row-major true probabilities, rows × tasks; empty without truth columns.</summary>
    public ReadOnlySpan<double> Truth => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_truth);

    /// <summary>The kept rows' numbers in the file, from 0, ascending.</summary>
    public ReadOnlySpan<long> FileRows => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_fileRows);

    public ReadOnlySpan<byte> LabelsOf(int row) => Labels.Slice(row * Tasks, Tasks);

    /// <param name="row">a reader that stands on a good row</param>
    /// <exception cref="InputException">a label, an amount or a time that cannot be used</exception>
    public void Add(DelimitedReader row)
    {
        Span<byte> labels = stackalloc byte[Tasks];
        for (var task = 0; task < labels.Length; task++)
        {
            labels[task] = Label(row, _columns.Tasks[task]);
        }

        var keep = KeepInOrder(labels, row.Line);
        var amount = _columns.Amount is { } amountPlace ? Amount(row, amountPlace) : 0;
        var time = _columns.Time is { } timePlace ? Time(row, timePlace) : 0;
        var part = _columns.Part is { } partPlace ? Part(row, partPlace) : Split.Train;
        if (!keep)
        {
            return;
        }

        foreach (var label in labels)
        {
            _labels.Add(label);
        }

        _fileRows.Add(row.Rows - 1);
        if (_columns.Amount is not null)
        {
            _amounts.Add(amount);
        }

        if (_columns.Time is not null)
        {
            _times.Add(time);
        }

        if (_columns.Part is not null)
        {
            _givenParts.Add(part);
        }

        if (_columns.Customer is { } customerPlace)
        {
            _customers.Add(Customer(row, customerPlace));
        }

        foreach (var place in _columns.Truth)
        {
            _truth.Add(Probability(row, place));
        }
    }

    /// <exception cref="InputException">labels out of order under <see cref="FunnelOrder.Stop"/>, no row left, or a task of one class</exception>
    public void Complete(long fileRows)
    {
        if (Broken > 0 && _rule == FunnelOrder.Stop)
        {
            throw new InputException(string.Create(CultureInfo.InvariantCulture,
                $"{_source}: {Broken:N0} of {fileRows:N0} rows break the funnel's order (line{(Broken == 1 ? "" : "s")} {string.Join(", ", _brokenLines)}{(Broken > _brokenLines.Count ? ", …" : "")}; the first: {_firstBreak}); correct them or choose --order reject, cascade-up or cascade-down."));
        }

        if (Rows == 0)
        {
            throw new InputException($"{_source}: no row is left after rejecting those that break the funnel's order; correct the labels or choose another --order.");
        }
    }

    private bool KeepInOrder(Span<byte> labels, long line)
    {
        var late = labels.LastIndexOf((byte)1);
        var early = labels.IndexOf((byte)0);
        if (early < 0 || late < early)
        {
            return true;
        }

        if (Broken++ == 0)
        {
            _firstBreak = $"'{_columns.TaskNames[labels[early..].IndexOf((byte)1) + early]}' is 1 where '{_columns.TaskNames[early]}' is 0";
        }

        if (_brokenLines.Count < 5)
        {
            _brokenLines.Add(line);
        }

        if (_rule == FunnelOrder.CascadeUp)
        {
            labels[..late].Fill(1);
        }
        else if (_rule == FunnelOrder.CascadeDown)
        {
            labels[early..].Clear();
        }

        return _rule != FunnelOrder.Reject;
    }

    private int Customer(DelimitedReader row, int place)
    {
        var name = row[place];
        if (name.IsEmpty)
        {
            throw Refused(row, place, ImportCode.MissingCustomer, "the customer is missing", "every row needs one");
        }

        if (!_numbers.TryGetValue(name, out var number))
        {
            _numbers[name] = number = _numbers.Dictionary.Count;
        }

        return number;
    }

    private byte Label(DelimitedReader row, int place)
    {
        var text = row[place];
        if (text.Length == 1 && text[0] is (byte)'0' or (byte)'1')
        {
            return (byte)(text[0] - '0');
        }

        return NumberText.TryParse(text, out var number) && number is 0 or 1
            ? (byte)number
            : throw Refused(row, place, ImportCode.BadLabel, text.IsEmpty ? "the label is missing" : $"the label is '{Shown(text)}'", "a label must be 0 or 1");
    }

    private float Amount(DelimitedReader row, int place)
    {
        var text = row[place];
        if (NumberText.IsMissing(text))
        {
            return 0;
        }

        return NumberText.TryParse(text, out var number) && float.IsFinite((float)number)
            ? (float)number
            : throw Refused(row, place, ImportCode.BadNumber, $"the amount is '{Shown(text)}'", "an amount must be a number with a decimal point or empty");
    }

    private long Time(DelimitedReader row, int place) => RowTimes.TryParse(row[place], out var time)
        ? time
        : throw Refused(row, place, ImportCode.BadTime, $"the time is '{Shown(row[place])}'", "a time must be a whole number or ISO 8601 such as 2026-01-31T08:00:00Z");

    private Split Part(DelimitedReader row, int place) => row[place] switch
    {
        var text when text.SequenceEqual("train"u8) => Split.Train,
        var text when text.SequenceEqual("test"u8) => Split.Test,
        var text => throw Refused(row, place, ImportCode.BadLabel, text.IsEmpty ? "the part is missing" : $"the part is '{Shown(text)}'", "a part must be train or test"),
    };

    private double Probability(DelimitedReader row, int place) => NumberText.TryParse(row[place], out var number) && number is >= 0 and <= 1
        ? number
        : throw Refused(row, place, ImportCode.BadNumber, $"the true probability is '{Shown(row[place])}'", "it must be a number from 0 to 1");

    private InputException Refused(DelimitedReader row, int place, string code, string found, string bound) =>
        new ImportProblem(row.Line, row.Names.All[place], code, $"{found}; {bound}.").AsException(_source);

    private static string Shown(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text[..Math.Min(text.Length, 40)]);
}
