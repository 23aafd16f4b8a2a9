using System.Globalization;
using System.Text;
using Npgsql;
using Pimm.Core.Database;
using Pimm.Core.Importing;
using Pimm.Core.Statistics;

namespace Pimm.Core.Outcomes;

/// <summary>What an event says.</summary>
public enum OutcomeKind : byte
{
    /// <summary>The channel showed the impression.</summary>
    Delivered = 1,

    /// <summary>An impression reached a stage of the funnel.</summary>
    Funnel = 2,

    /// <summary>A customer's core conversion by any route; needs no impression.</summary>
    Outcome = 3,
}

/// <summary>Rows of an outcome file, written to where they wait for the rest of it.</summary>
internal sealed class OutcomeRows(Audience audience, DelimitedReader file, long importFileId, ImportMapping? mapping) : FileRows(file)
{
    private readonly int _event = file.Names.PlaceOf("event_id");
    private readonly int _kind = file.Names.PlaceOf("kind");
    private readonly int _customer = file.Names.PlaceOf("customer");
    private readonly int _campaign = file.Names.PlaceOf("campaign");
    private readonly int _wave = file.Names.PlaceOf("wave");
    private readonly int _stage = file.Names.PlaceOf("stage");
    private readonly int _time = file.Names.PlaceOf("occurred_at");
    private readonly int _amount = file.Names.PlaceOf("amount");

    private readonly InstantReader _instants = mapping?.Instants() ?? new InstantReader();

    private OutcomeKind _takenKind;
    private long _takenCampaign;
    private DateOnly _takenWave;
    private int _takenStage;
    private DateTimeOffset _takenTime;
    private double _takenAmount;

    public override string Target => "outcome_staging (import_file_id, line, event_id, kind, customer, campaign_id, wave_date, stage, occurred_at, amount)";

    public override ImportProblem? Take()
    {
        if (File[_event].Length is 0 or > 255)
        {
            return Problem("event_id", ImportCode.BadEvent, "the event has no id of 1 to 255 characters; give each event one that is never used again.");
        }
        if (!TryKind(File[_kind], out _takenKind))
        {
            return Problem("kind", ImportCode.BadKind, $"'{Shown(_kind)}' is no kind of event; write delivered, funnel or outcome.");
        }
        if (CustomerKey.Problem(Encoding.UTF8.GetString(File[_customer])) is { } noKey)
        {
            return Problem("customer", noKey.Code, noKey.Message);
        }
        if (_instants.Read(File[_time], File.Line, "occurred_at", out _takenTime) is { } noInstant)
        {
            return noInstant;
        }
        return TakeImpression() ?? TakeAmount();
    }

    public override void Write(CopyWriter import)
    {
        var ofImpression = _takenKind != OutcomeKind.Outcome;
        import.Write(importFileId);
        import.Write(File.Line);
        import.Write(Encoding.UTF8.GetString(File[_event]));
        import.Write((short)_takenKind);
        import.Write(CustomerHash.Of(Encoding.UTF8.GetString(File[_customer])));
        import.Write(ofImpression ? _takenCampaign : (long?)null);
        import.Write(ofImpression ? _takenWave : (DateOnly?)null);
        import.Write(_takenKind == OutcomeKind.Funnel ? (short)_takenStage : (short?)null);
        import.Write(_takenTime.UtcDateTime);
        import.Write(double.IsNaN(_takenAmount) ? (double?)null : _takenAmount);
    }

    private ImportProblem? TakeImpression()
    {
        if (_takenKind == OutcomeKind.Outcome)
        {
            return null;
        }
        if (!long.TryParse(File[_campaign], NumberStyles.None, CultureInfo.InvariantCulture, out _takenCampaign))
        {
            return Problem("campaign", ImportCode.BadCampaign, $"'{Shown(_campaign)}' is no campaign's number.");
        }
        if (!DateOnly.TryParseExact(Encoding.UTF8.GetString(File[_wave]), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _takenWave))
        {
            return Problem("wave", ImportCode.BadWave, $"'{Shown(_wave)}' is no date; write the wave's day as 2026-03-28.");
        }
        _takenStage = 1 + Array.IndexOf(audience.Funnel, Encoding.UTF8.GetString(File[_stage]));
        return _takenKind != OutcomeKind.Funnel || _takenStage > 0
            ? null
            : Problem("stage", ImportCode.BadStage, $"'{Shown(_stage)}' is no stage of the funnel {string.Join(" > ", audience.Funnel)}.");
    }

    private ImportProblem? TakeAmount()
    {
        _takenAmount = double.NaN;
        if (File[_amount].IsEmpty)
        {
            return null;
        }
        return double.TryParse(File[_amount], NumberStyles.Float, CultureInfo.InvariantCulture, out _takenAmount) && Math.Abs(_takenAmount) <= EventReader.MostAmount
            ? null
            : Problem("amount", ImportCode.BadNumber, $"'{Shown(_amount)}' is no amount between -1e12 and 1e12; write it as 1234.56.");
    }

    private static bool TryKind(ReadOnlySpan<byte> text, out OutcomeKind kind)
    {
        kind = text.SequenceEqual("delivered"u8) ? OutcomeKind.Delivered
            : text.SequenceEqual("funnel"u8) ? OutcomeKind.Funnel
            : text.SequenceEqual("outcome"u8) ? OutcomeKind.Outcome : 0;
        return kind != 0;
    }

    private ImportProblem Problem(string column, string code, string message) => new(File.Line, column, code, message);

    private string Shown(int place) => MaskedText.Of(File[place]);
}
