namespace Pimm.Web.Campaigns.Wizard;

/// <summary>The words of the wizard.</summary>
public sealed class WizardWords;
