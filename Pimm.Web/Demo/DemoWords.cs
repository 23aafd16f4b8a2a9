namespace Pimm.Web.Demo;

/// <summary>The words of the demo.</summary>
public sealed class DemoWords;
