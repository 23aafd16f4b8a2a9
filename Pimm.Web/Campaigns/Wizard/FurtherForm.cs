using System.Globalization;
using Pimm.Core.Campaigns;

namespace Pimm.Web.Campaigns.Wizard;

/// <summary>One guardrail while a person makes it.</summary>
public sealed class GuardrailForm
{
    public string Metric { get; set; } = Guardrail.CoreConversion;

    /// <summary>As typed.</summary>
    public string MarginPercent { get; set; } = "5";

    public string Direction { get; set; } = Guardrail.HigherIsBetter;

    /// <exception cref="FormatException">the margin is no number</exception>
    public Guardrail ToGuardrail() => new(Metric, (double)(decimal.Parse(MarginPercent.Trim(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture) / 100), Direction);
}

/// <summary>The part of a campaign that most people leave as it is.</summary>
public sealed class FurtherForm
{
    public List<GuardrailForm> Guardrails { get; set; } = [];

    /// <summary>Attributes by whose levels the report is broken down.</summary>
    public List<string> Segments { get; set; } = [];

    /// <summary>What the split is balanced on; blocks are made by the first.</summary>
    public List<string> Covariates { get; set; } = [Campaign.ControlScore];

    public string Layer { get; set; } = "";

    public string LayerFrom { get; set; } = "";

    public string LayerTo { get; set; } = "";

    /// <summary>Empty: made of the name and the first day.</summary>
    public string Salt { get; set; } = "";

    /// <param name="file">null: a new campaign</param>
    public static FurtherForm Of(CampaignFile? file) => file is null ? new() : new()
    {
        Guardrails = [.. (file.Guardrails ?? []).Select(guardrail => new GuardrailForm { Metric = guardrail.Metric, MarginPercent = Text(Math.Round(100 * guardrail.Margin, 10)), Direction = guardrail.Direction })],
        Segments = [.. file.Segments ?? []], Covariates = [.. file.SplitCovariates is { Length: > 0 } chosen ? chosen : [Campaign.ControlScore]],
        Layer = file.Layer ?? "", LayerFrom = file.LayerFrom is { } from ? Text(from) : "", LayerTo = file.LayerTo is { } to ? Text(to) : "", Salt = file.Salt ?? "",
    };

    /// <summary>Only of a form without problems it is what was meant.</summary>
    public CampaignFile Onto(CampaignFile file)
    {
        var layer = Layer.Trim() is { Length: > 0 } named ? named : null;
        return file with
        {
            Guardrails = [.. Guardrails.Where(guardrail => WizardForm.Number(guardrail.MarginPercent) is not null).Select(guardrail => guardrail.ToGuardrail())],
            Segments = [.. Segments], SplitCovariates = Covariates.Count == 0 ? null : [.. Covariates],
            Layer = layer, LayerFrom = layer is null ? null : WizardForm.Whole(LayerFrom), LayerTo = layer is null ? null : WizardForm.Whole(LayerTo),
            Salt = Salt.Trim() is { Length: > 0 } given ? given : null,
        };
    }

    private static string Text(double number) => number.ToString(CultureInfo.InvariantCulture);
}
