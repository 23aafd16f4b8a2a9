namespace Pimm.Web.Settings;

/// <summary>The words of the settings.</summary>
public sealed class SettingsWords;
