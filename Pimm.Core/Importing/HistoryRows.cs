using Npgsql;
using Pimm.Core.Database;

namespace Pimm.Core.Importing;

/// <summary>Rows of a history file: one an impression, with the customer's attributes as they were then.</summary>
internal sealed class HistoryRows(Audience audience, DelimitedReader file, ImportMapping? mapping, FunnelOrder order, long importFileId)
    : AttributeRows(audience, file, MappedColumns.Of(audience, file.Names, mapping, isHistory: true))
{
    public const string TimeColumn = "impression_at";
    public const string TargetedColumn = "targeted";
    public const string AmountColumn = "amount";

    private readonly bool[] _labels = new bool[audience.Funnel.Length];
    private readonly LabelNotes _notes = new(audience);
    private DateTimeOffset _time;
    private int _stage;
    private double _amount;

    public override string Target =>
        $"{Audience.HistoryTable} (customer, impression_at, import_file_id, stage, targeted, amount, {Audience.AttributeList()})";

    public override ImportProblem? Take() => base.Take() ?? TakeTime() ?? TakeLabels() ?? TakeAmount();

    protected override void Note() => _notes.Add(_stage, Number);

    /// <summary>What a person should know of the rows taken in.</summary>
    public IReadOnlyList<string> Notes() => _notes.Sentences(File.Source);

    protected override void WriteKeys(CopyWriter import)
    {
        import.Write(Customer);
        import.Write(_time.UtcDateTime);
        import.Write(importFileId);
        import.Write((short)_stage);
        import.Write(Columns.Targeted is not { } place || !File[place].SequenceEqual("0"u8));
        import.Write(double.IsNaN(_amount) ? (double?)null : _amount);
    }

    private ImportProblem? TakeTime()
    {
        if (Columns.Time is { } place)
        {
            return Columns.Instants.Read(File[place], File.Line, Columns.TimeColumn, out _time);
        }
        _time = Columns.ConstantTime!.Value;
        return null;
    }

    private ImportProblem? TakeLabels()
    {
        for (var task = 0; task < _labels.Length; task++)
        {
            _labels[task] = false;
            foreach (var label in Columns.Labels[task])
            {
                if (LabelOf(label, out var is1) is { } problem)
                {
                    return problem;
                }
                _labels[task] |= is1;
            }
        }
        if (FunnelOrders.StageOf(_labels, order) is { } stage)
        {
            _stage = stage;
            return null;
        }
        return new ImportProblem(File.Line, null, ImportCode.FunnelOrder,
            $"a later stage of {string.Join(" > ", Audience.Funnel)} without the one before it; correct the labels or choose --order cascade-up or cascade-down.");
    }

    private ImportProblem? LabelOf(LabelPlace label, out bool is1)
    {
        var field = File[label.Place];
        is1 = false;
        if (label.Ones is { } ones)
        {
            foreach (var one in ones)
            {
                is1 |= field.SequenceEqual(one);
            }
            return null;
        }
        is1 = field is [(byte)'1'];
        return is1 || field is [(byte)'0'] ? null
            : new ImportProblem(File.Line, label.Column, ImportCode.BadLabel, $"the label is '{MaskedText.Of(field)}'; it must be 0 or 1.") { Value = MaskedText.Of(field) };
    }

    private ImportProblem? TakeAmount()
    {
        _amount = double.NaN;
        return Columns.Amount is not { } place || TryNumber(File[place], out _amount)
            ? null
            : new ImportProblem(File.Line, Columns.AmountColumn, ImportCode.BadNumber, $"'{MaskedText.Of(File[place])}' is no amount; write it as 1234.56.") { Value = MaskedText.Of(File[place]) };
    }
}
