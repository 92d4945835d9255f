<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">

  <xsl:template match="@*|node()">
    <xsl:copy>
      <xsl:apply-templates select="@*|node()"/>
    </xsl:copy>
  </xsl:template>

  <xsl:template match="/domain">
    <xsl:copy>
      <xsl:apply-templates select="@*|node()"/>
      <memoryBacking>
        <hugepages>
          <page size="1" unit="GiB"/>
        </hugepages>
        <nosharepages/>
        <locked/>
      </memoryBacking>
      <cputune>
        <vcpupin vcpu="0" cpuset="0"/>
        <vcpupin vcpu="1" cpuset="2"/>
        <emulatorpin cpuset="0-1"/>
        <vcpusched vcpus="1" scheduler="fifo" priority="1"/>
      </cputune>
      <numatune>
        <memory mode="strict" nodeset="0"/>
      </numatune>
      <cpu mode="host-passthrough" migratable="off">
        <feature policy="require" name="tsc-deadline"/>
      </cpu>
      <clock offset="utc">
        <timer name="hpet" present="no"/>
      </clock>
      <pm>
        <suspend-to-mem enabled="no"/>
        <suspend-to-disk enabled="no"/>
      </pm>
    </xsl:copy>
  </xsl:template>

  <xsl:template match="/domain/features">
    <xsl:copy>
      <xsl:apply-templates select="node()"/>
      <pmu state="off"/>
      <vmport state="off"/>
    </xsl:copy>
  </xsl:template>

  <xsl:template match="/domain/devices">
    <xsl:copy>
      <xsl:apply-templates select="node()"/>
      <controller type="usb" model="none"/>
      <memballoon model="none"/>
    </xsl:copy>
  </xsl:template>

  <!-- Said anew above, or not wanted: the display and the random number device are the SDK's defaults. -->
  <xsl:template match="/domain/cpu | /domain/devices/graphics | /domain/devices/rng"/>

</xsl:stylesheet>
