namespace Pimm.Web.Campaigns.Wizard;

/// <param name="Key">in the address</param>
public sealed record WizardStep(int Number, string Key, string Name)
{
    public static IReadOnlyList<WizardStep> All { get; } =
    [
        new(1, "objective", "Objective"), new(2, "audience", "Audience"), new(3, "budget", "Budget and dates"),
        new(4, "models", "Models"), new(5, "channel", "Channel and export"), new(6, "review", "Review and submit"),
    ];

    /// <summary>The first for an address that names none.</summary>
    public static WizardStep Of(string? key) => All.FirstOrDefault(step => step.Key == key) ?? All[0];

    public WizardStep? Next => Number < All.Count ? All[Number] : null;

    public WizardStep? Previous => Number > 1 ? All[Number - 2] : null;
}

/// <param name="Step">key of the step that has the field</param>
/// <param name="Field">id of the field</param>
/// <param name="Sentence">what is wrong and what to do</param>
public sealed record WizardProblem(string Step, string Field, string Sentence);
