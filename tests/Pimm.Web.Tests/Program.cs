using Pimm.Web.Tests;
using Xunit.MicrosoftTestingPlatform;

// The same program takes the pictures of the documentation: it knows how to drive the pages.
return args is ["screenshots", var folder, .. var widths]
    ? await Screenshots.TakeAsync(folder, widths)
    : await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions);
